"""Labels keep clear of markers, of one another and of the edges."""

import random

import pytest

from labrador.report.figures.placing import Box, place

BOUNDS = Box(0, 0, 600, 400)


def marker(x, y):
    return Box(x, y, x, y).grown(5)


def test_boxes():
    box = Box(0, 0, 10, 10)
    assert box.meets(Box(9, 9, 20, 20))
    assert not box.meets(Box(10, 0, 20, 10))  # an edge in common
    assert box.within(box)
    assert not box.within(Box(1, 0, 10, 10))
    assert box.nearest((20, 5)) == (10, 5)
    assert box.nearest((3, 4)) == (3, 4)
    assert box.crossed((-5, 5), (15, 5))
    assert box.crossed((5, 5), (15, 5))
    assert not box.crossed((-5, 5), (-1, 5))  # ends before it
    assert not box.crossed((-5, 11), (15, 11))
    assert not box.crossed((-5, 0), (0, 20))


def test_a_single_label_stands_above_its_point():
    (box,) = place([(300, 200)], [(80, 12)], [marker(300, 200)], [], BOUNDS)
    assert box.left < 300
    assert 200 < box.bottom < 220


def test_a_label_leaves_the_line_free():
    free = place([(300, 200)], [(80, 12)], [marker(300, 200)], [], BOUNDS)[0]
    line = free.grown(1)
    (box,) = place([(300, 200)], [(80, 12)], [marker(300, 200)], [line], BOUNDS)
    assert not box.meets(line)


@pytest.mark.parametrize("seed", range(5))
def test_crowded_points_get_labels_that_cover_nothing(seed):
    draw = random.Random(seed)
    points = [(draw.uniform(150, 450), draw.uniform(100, 300)) for _ in range(40)]
    markers = [marker(*point) for point in points]
    sizes = [(draw.uniform(60, 120), 13) for _ in range(8)]
    boxes = place(points[:8], sizes, markers, [], BOUNDS)
    assert None not in boxes
    for number, box in enumerate(boxes):
        assert box.within(BOUNDS)
        assert not any(box.meets(other) for other in [*markers, *boxes[:number]])
    assert boxes == place(points[:8], sizes, markers, [], BOUNDS)  # the same again


def test_where_nothing_is_free_there_is_no_place():
    assert place([(300, 200)], [(80, 12)], [BOUNDS], [], BOUNDS) == [None]
    assert place([(5, 5)], [(80, 12)], [marker(5, 5)], [], Box(0, 0, 70, 70)) == [None]
    assert place([], [], [], [], BOUNDS) == []
