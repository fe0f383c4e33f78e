"""The Pareto front: the systems that no other one beats at once in cost and in quality."""

from collections.abc import Sequence


def front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The positions of the points on the front, from the cheapest to the best.

    costs, qualities: one each per point. A point is on the front unless another one costs no more and is no worse, and
    is cheaper or better; points that are equal in both stand or fall together.
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
