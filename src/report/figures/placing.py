"""Where the labels of points go: near their points, on no marker, clear of one another. All in pixels.

Each place around a point has a cost: its distance, and a penalty for what the label, or the line from point to label
(its leader), crosses. Labels are placed one after another, each at one of its cheapest free places, many times over in
random orders from a fixed seed; the cheapest arrangement wins.

On the systems of docs/matrix.md adjustText covers 14 markers with 10 labels, this none: benchmarks/labels.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RADII = np.array([5, 8, 12, 17, 23, 30, 38, 48, 60, 74, 90, 110, 135, 165.0])  # point to label, at 100 pixels an inch
ANGLES = np.radians([135, 90, 180, 112, 158, 45, 68, 0, 22, 225, 202, 270, 248, 315, 292, 338])  # preferred first
OVER_LINE, OVER_MARKER, NOWHERE = 25.0, 20.0, 1000.0  # costs: a label on a line, a leader over a marker, no place
PREFERENCE = 0.2  # how much an angle costs more than the one before it
MOST = 120  # places considered for a label
ATTEMPTS = 400
SLACK = 30.0  # how much more than the cheapest a place may cost and still be tried first

Floats = NDArray[np.float64]  # boxes are [..., 4]: left, bottom, right, top; leaders [..., 4]: from x, y to x, y


@dataclass(frozen=True)
class Surroundings:
    """What labels must fit into."""

    markers: Floats  # [M, 4] boxes that no label may cover
    lines: Floats  # [K, 4] boxes that labels should not cover
    bounds: Floats  # [4] the box that holds all labels
    scale: float = 1.0  # pixels per pixel at 100 to the inch


def place(points: Floats, sizes: Floats, around: Surroundings) -> list[Floats | None]:
    """A box [4] for the label of each of `points` [L, 2], None where no place is free; `sizes` [L, 2] of the labels.

    The same input always gives the same boxes.
    """
    choices = [_choices(point, size, around) for point, size in zip(points, sizes, strict=True)]
    if not choices:
        return []
    boxes, leaders, costs = (np.concatenate(part) for part in zip(*choices, strict=True))
    label_of = np.repeat(np.arange(len(choices)), [len(cost) for *_, cost in choices])
    clashing = _clashing(boxes, leaders)
    generator = np.random.default_rng(0)
    best: list[int] = []
    least = np.inf
    for _ in range(ATTEMPTS):
        tried = costs + generator.uniform(0, SLACK * around.scale, len(costs))
        free = np.ones(len(costs), dtype=bool)
        chosen: list[int] = []
        for label in generator.permutation(len(choices)):
            if (mine := np.flatnonzero(free & (label_of == label))).size:
                chosen.append(int(mine[np.argmin(tried[mine])]))
                free &= ~clashing[chosen[-1]]
        cost = costs[chosen].sum() + NOWHERE * around.scale * (len(choices) - len(chosen))
        if cost < least:
            best, least = chosen, cost
    found = {int(label_of[place]): boxes[place] for place in best}
    return [found.get(label) for label in range(len(choices))]


def nearest(point: Floats, boxes: Floats) -> Floats:
    """The point [..., 2] of each box that is nearest to a given one."""
    return np.clip(point, boxes[..., :2], boxes[..., 2:])


def overlap(first: Floats, second: Floats) -> NDArray[np.bool_]:
    """Whether boxes [N, 4] and [M, 4] share more than an edge, [N, M]."""
    one, other = first[:, None], second[None]
    shared: NDArray[np.bool_] = np.all((one[..., :2] < other[..., 2:]) & (other[..., :2] < one[..., 2:]), axis=-1)
    return shared


def cross(first: Floats, second: Floats) -> NDArray[np.bool_]:
    """Whether straight lines [N, 4] and [M, 4] cross, [N, M]."""
    a, b, c, d = first[:, None, :2], first[:, None, 2:], second[None, :, :2], second[None, :, 2:]

    def side(start: Floats, end: Floats, point: Floats) -> Floats:
        along, to = end - start, point - start
        return along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]

    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)


def through(leaders: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Whether lines that end outside boxes pass through them, [N, M]: they then cross a diagonal."""
    return cross(leaders, boxes) | cross(leaders, boxes[:, [0, 3, 2, 1]])


def _clashing(boxes: Floats, leaders: Floats) -> NDArray[np.bool_]:
    """Whether two places exclude each other, [N, N]: the boxes or leaders meet, or a leader passes through a box."""
    passing = through(leaders, boxes)
    return overlap(boxes, boxes) | passing | passing.T | cross(leaders, leaders)


def _choices(point: Floats, size: Floats, around: Surroundings) -> tuple[Floats, Floats, Floats]:
    """Boxes [C, 4], leaders [C, 4] and costs [C] of one label's places that cover no marker, the cheapest first."""
    direction = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    side = np.where(np.abs(direction) < 0.3, 0.0, np.sign(direction))  # -1 left of or below the point, 1 right, above
    corner = point + RADII[:, None, None] * around.scale * direction + (side - 1) * size / 2
    boxes = np.concatenate([corner, corner + size], axis=-1).reshape(-1, 4)
    costs = (RADII[:, None] + PREFERENCE * np.arange(len(ANGLES))).ravel()
    inside = (boxes[:, :2] >= around.bounds[:2]).all(axis=1) & (boxes[:, 2:] <= around.bounds[2:]).all(axis=1)
    kept = inside & ~overlap(boxes, around.markers).any(axis=1)
    boxes, costs = boxes[kept], costs[kept]
    leaders = np.concatenate([np.broadcast_to(point, (len(boxes), 2)), nearest(point, boxes)], axis=1)
    others = around.markers[(nearest(point, around.markers) != point).any(axis=1)]
    costs += OVER_MARKER * through(leaders, others).sum(axis=1) + OVER_LINE * overlap(boxes, around.lines).sum(axis=1)
    cheapest = np.argsort(costs, kind="stable")[:MOST]
    return boxes[cheapest], leaders[cheapest], costs[cheapest] * around.scale
