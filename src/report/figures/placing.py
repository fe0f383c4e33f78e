"""Where the labels of points stand: near their points, on no marker, not over one another. All in pixels.

Every place around a point has a price, in pixels of distance: how far it is, and what it or the line to it (its leader)
crosses. The labels are dealt out one after another, each to one of its cheapest free places, again and again in random
orders from a fixed seed; the cheapest deal wins.
"""

import math
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

RINGS = (5, 8, 12, 17, 23, 30, 38, 48, 60, 74, 90, 110, 135, 165)  # between a point and its label, at 100 per inch
ANGLES = (135, 90, 180, 112, 158, 45, 68, 0, 22, 225, 202, 270, 248, 315, 292, 338)  # above and left is empty by nature
OVER_LINE, OVER_MARKER, NOWHERE = 25.0, 20.0, 1000.0  # prices: a label on a line, a leader over a marker, no place
PREFERENCE = 0.2  # by how much an angle is dearer than the one before it
DEALS = 400  # how often the labels are dealt out
LOOSE = 30.0  # by how much a place may be dearer than another and still be taken first

Pixel = tuple[float, float]


class Box(NamedTuple):
    """A rectangle with its sides along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Whether the two share more than an edge."""
        beside = self.left < other.right and other.left < self.right
        return beside and self.bottom < other.top and other.bottom < self.top

    def within(self, other: "Box") -> bool:
        """Whether it lies in the other, edges allowed."""
        beside = other.left <= self.left and self.right <= other.right
        return beside and other.bottom <= self.bottom and self.top <= other.top

    def crossed(self, start: Pixel, end: Pixel) -> bool:
        """Whether the straight line from `start` to `end` has a part inside (Liang and Barsky, 1984)."""
        first, last = 0.0, 1.0
        for origin, target, low, high in (
            (start[0], end[0], self.left, self.right),
            (start[1], end[1], self.bottom, self.top),
        ):
            step = target - origin
            if step == 0:
                if not low < origin < high:
                    return False
                continue
            enter, leave = sorted(((low - origin) / step, (high - origin) / step))
            first, last = max(first, enter), min(last, leave)
        return first < last

    def grown(self, by: float) -> "Box":
        """The same with a margin all around."""
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def nearest(self, point: Pixel) -> Pixel:
        """Its point that is nearest to a given one."""
        return min(max(point[0], self.left), self.right), min(max(point[1], self.bottom), self.top)


class Place(NamedTuple):
    """A place for a label: its box, its price, and its leader."""

    box: Box
    price: float
    start: Pixel
    end: Pixel

    def beside(self, other: "Place") -> bool:
        """Whether both may be taken: the boxes apart, no leader through the other's box or across its leader."""
        if self.box.meets(other.box):
            return False
        through = self.box.crossed(other.start, other.end) or other.box.crossed(self.start, self.end)
        return not through and not _cross(self.start, self.end, other.start, other.end)


def place(
    points: Sequence[Pixel],
    sizes: Sequence[tuple[float, float]],
    markers: Sequence[Box],
    lines: Sequence[Box],
    bounds: Box,
    scale: float = 1.0,
) -> list[Box | None]:
    """A box for the label of each of L points, None where there is no free place.

    points: (x, y) of each; sizes: (width, height) of each label; markers: what no label may cover; lines: what it had
    better not cover; bounds: where labels may be; scale: pixels per pixel at 100 to the inch. The same input always
    gives the same places.
    """
    choices = [_places(*each, markers, lines, bounds, scale) for each in zip(points, sizes, strict=True)]
    draw = random.Random(0)
    best: dict[int, Place] = {}
    least = math.inf
    for _ in range(DEALS):
        taken = _deal(choices, draw, scale)
        price = sum(one.price for one in taken.values()) + NOWHERE * scale * (len(points) - len(taken))
        if price < least:
            best, least = taken, price
    return [best[label].box if label in best else None for label in range(len(points))]


def _deal(choices: Sequence[Sequence[Place]], draw: random.Random, scale: float) -> dict[int, Place]:
    """A free place for each label, the labels in random order, each taking one of its cheapest."""
    taken: dict[int, Place] = {}
    for label in draw.sample(range(len(choices)), len(choices)):
        asked = {one: one.price + draw.uniform(0, LOOSE * scale) for one in choices[label]}
        for one in sorted(choices[label], key=lambda one: asked[one]):
            if all(one.beside(other) for other in taken.values()):
                taken[label] = one
                break
    return taken


def _places(
    point: Pixel,
    size: tuple[float, float],
    markers: Sequence[Box],
    lines: Sequence[Box],
    bounds: Box,
    scale: float,
) -> list[Place]:
    """The places of one label that cover no marker, the cheapest first."""
    others = [marker for marker in markers if not marker.crossed(point, (point[0] + 0.1, point[1]))]
    found = []
    for distance, box in _around(point, size, scale):
        if not box.within(bounds) or any(box.meets(marker) for marker in markers):
            continue
        end = box.nearest(point)
        crossed = sum(marker.crossed(point, end) for marker in others)
        price = OVER_MARKER * crossed + OVER_LINE * sum(box.meets(line) for line in lines)
        found.append(Place(box, distance + price * scale, point, end))
    return sorted(found, key=lambda one: one.price)


def _around(point: Pixel, size: tuple[float, float], scale: float) -> Iterator[tuple[float, Box]]:
    """Distances and boxes around a point, the nearest first."""
    width, height = size
    for ring in RINGS:
        for place, angle in enumerate(ANGLES):
            dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            x = point[0] + dx * ring * scale + (_side(dx) - 1) * width / 2
            y = point[1] + dy * ring * scale + (_side(dy) - 1) * height / 2
            yield (ring + PREFERENCE * place) * scale, Box(x, y, x + width, y + height)


def _side(share: float) -> float:
    """-1, 0 or 1: whether a box is left of (below), level with, or right of (above) its point."""
    return 0.0 if abs(share) < 0.3 else math.copysign(1.0, share)


def _cross(a: Pixel, b: Pixel, c: Pixel, d: Pixel) -> bool:
    """Whether the lines a-b and c-d cross."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Pixel, b: Pixel, c: Pixel) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
