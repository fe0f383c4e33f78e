"""Labels keep clear of markers, of one another and of the edges."""

import numpy as np
import pytest

from labrador.report.figures.placing import Surroundings, cross, nearest, overlap, place, through

BOUNDS = np.array([0.0, 0, 600, 400])
POINT = np.array([[300.0, 200.0]])
SIZE = np.array([[80.0, 12.0]])
NONE = np.empty((0, 4))


def markers(points):
    return np.concatenate([points - 5, points + 5], axis=1)


def test_overlap_and_nearest():
    box = np.array([[0.0, 0, 10, 10]])
    others = np.array([[9.0, 9, 20, 20], [10, 0, 20, 10], [2, 2, 3, 3]])  # the second shares an edge
    assert overlap(box, others).tolist() == [[True, False, True]]
    assert nearest(np.array([20.0, 5]), box).tolist() == [[10, 5]]
    assert nearest(np.array([3.0, 4]), box).tolist() == [[3, 4]]


def test_lines_that_cross_lines_and_boxes():
    box = np.array([[0.0, 0, 10, 10]])
    lines = np.array([[-5.0, 5, 15, 5], [-5, 5, -1, 5], [-5, 11, 15, 11], [-1, 2, 2, -1], [-5, 0, 0, 20]])
    assert through(lines, box).ravel().tolist() == [True, False, False, True, False]
    assert cross(lines[:1], np.array([[0.0, 0, 0, 9], [0, 6, 0, 9]])).tolist() == [[True, False]]


def test_a_single_label_goes_above_its_point():
    (box,) = place(POINT, SIZE, Surroundings(markers(POINT), NONE, BOUNDS))
    assert box[0] < 300
    assert 200 < box[1] < 220


def test_a_label_leaves_the_line_free():
    free = place(POINT, SIZE, Surroundings(markers(POINT), NONE, BOUNDS))[0]
    line = free[None] + np.array([-1, -1, 1, 1])
    (box,) = place(POINT, SIZE, Surroundings(markers(POINT), line, BOUNDS))
    assert not overlap(box[None], line).any()


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_crowded_points_cover_nothing(seed):
    generator = np.random.default_rng(seed)
    points = generator.uniform([150, 100], [450, 300], (40, 2))
    sizes = np.stack([generator.uniform(60, 120, 8), np.full(8, 13.0)], axis=1)
    around = Surroundings(markers(points), NONE, BOUNDS)
    boxes = place(points[:8], sizes, around)
    assert not any(box is None for box in boxes)
    found = np.array(boxes)
    assert (found[:, :2] >= BOUNDS[:2]).all()
    assert (found[:, 2:] <= BOUNDS[2:]).all()
    assert not overlap(found, around.markers).any()
    assert overlap(found, found).sum() == 8  # each with itself
    np.testing.assert_array_equal(found, place(points[:8], sizes, around))  # the same again


def test_where_nothing_is_free_there_is_no_place():
    assert place(POINT, SIZE, Surroundings(BOUNDS[None], NONE, BOUNDS)) == [None]
    corner = np.array([[5.0, 5.0]])
    assert place(corner, SIZE, Surroundings(markers(corner), NONE, np.array([0.0, 0, 70, 70]))) == [None]
    assert place(np.empty((0, 2)), np.empty((0, 2)), Surroundings(NONE, NONE, BOUNDS)) == []
