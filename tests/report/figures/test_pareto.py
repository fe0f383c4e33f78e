"""The Pareto front of points worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labrador.report.figures.pareto import front


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([(5, 0.5)], [0]),
        ([(3, 0.9), (1, 0.5), (2, 0.7)], [1, 2, 0]),  # all on it, from the cheapest
        ([(1, 0.5), (2, 0.5)], [0]),  # as good, but dearer
        ([(1, 0.5), (1, 0.6)], [1]),  # as cheap, but worse
        ([(1, 0.5), (1, 0.5), (2, 0.4)], [0, 1]),  # equal in both: both stay, in the order given
        ([(2, 0.6), (1, 0.5), (1, 0.5), (2, 0.6), (3, 0.6)], [1, 2, 0, 3]),
        ([(16, 0.70), (48, 0.78), (48, 0.76), (56, 0.76), (1536, 0.78)], [0, 1]),  # no gain for 32 times the size
    ],
)
def test_points_worked_out_by_hand(points, expected):
    costs, qualities = [cost for cost, _ in points], [quality for _, quality in points]
    assert front(costs, qualities) == expected


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_a_point_is_on_it_unless_another_beats_it(points):
    def beaten(point):
        cost, quality = point
        return any(c <= cost and q >= quality and (c, q) != point for c, q in points)

    found = front([cost for cost, _ in points], [quality for _, quality in points])
    assert sorted(found) == [place for place, point in enumerate(points) if not beaten(point)]
    assert [points[place][0] for place in found] == sorted(points[place][0] for place in found)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 costs for 1 qualities"):
        front([1, 2], [0.5])
