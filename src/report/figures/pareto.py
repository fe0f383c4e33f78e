"""The Pareto front: the systems that no other beats in both cost and quality."""

from collections.abc import Sequence


def front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The indices of the points on the front, from the cheapest to the best.

    costs, qualities: one each per point. A point is on the front unless another costs no more and is no worse, and is
    cheaper or better; of points that are equal in both, all are on it or none.
    """
    if len(costs) != len(qualities):
        raise ValueError(f"{len(costs)} costs for {len(qualities)} qualities")
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -qualities[place], place))
    kept: list[int] = []
    for place in order:
        same = kept and costs[place] == costs[kept[-1]] and qualities[place] == qualities[kept[-1]]
        if not kept or same or qualities[place] > qualities[kept[-1]]:
            kept.append(place)
    return kept
