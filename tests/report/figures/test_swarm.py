"""Markers of equal cost, side by side."""

from labrador.report.figures.swarm import offsets


def test_markers_apart_stay():
    assert offsets([0, 0, 50], [0, 100, 0], 10) == [0, 0, 0]


def test_the_highest_stays_and_the_others_move_as_little_as_they_must():
    assert offsets([0, 0, 0], [3, 5, 0], 10) == [-10, 0, 10]  # the second is the highest


def test_where_there_is_no_room_a_marker_stays():
    moved = offsets([0.0] * 13, [0.0] * 13, 10)
    assert sorted(moved) == [-50, -40, -30, -20, -10, 0, 0, 0, 10, 20, 30, 40, 50]
