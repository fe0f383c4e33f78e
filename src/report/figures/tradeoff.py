"""Quality against what it costs, with the Pareto front: which retriever, with which compression, at which price."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from ...results import ResultRow
from ..averages import average
from ..groups import Group
from ..systems import System
from .legend import EDGE, SIZE, key, looks_of
from .pareto import front
from .placing import Box, place
from .style import FAINT, FRONT, INK, cost_axis, cost_ticks, new_figure
from .swarm import offsets

GROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}  # so that a label is read where it stands on a line
MARGIN = 1.5  # pixels (at 100 per inch) around a label
ABOVE = 0.1  # of the height, left above the best for labels
WIDE = 16  # characters of a line of a label
FAR = 12  # pixels (at 100 per inch) between a point and its label from which on a line joins them


@dataclass(frozen=True)
class Cost:
    """A cost to set quality against; `apart`: points of one cost are moved apart, for a cost of few values."""

    slug: str
    label: str
    value: Callable[[ResultRow], float | None]
    apart: bool = False


COSTS = (
    Cost("bytes", "bytes per passage in memory (points of one size side by side)", lambda r: r.bytes_per_passage, True),
    Cost("latency", "ms per query (median, one query at a time)", lambda row: row.latency_ms.get("p50")),
)


@dataclass(frozen=True)
class Point:
    """A system in the figure: where it stands, and the least and most over its seeds."""

    system: System
    cost: float
    quality: float
    low: float
    high: float


def points(group: Group, cost: Cost, metric: str) -> list[Point]:
    """The systems of which both are known."""
    found = []
    for system in group.systems:
        price, quality = cost.value(average(system.rows, {}, {})), system.mean(metric)
        if price is not None and quality is not None:
            told = [value for row in system.rows if (value := row.metrics[metric]) is not None]
            found.append(Point(system, price, quality, min(told), max(told)))
    return found


def best_of(shown: Sequence[Point]) -> list[Point]:
    """The points on the Pareto front, from the cheapest to the best."""
    return [shown[i] for i in front([point.cost for point in shown], [point.quality for point in shown])]


def draw(group: Group, cost: Cost, metric: str) -> tuple[Figure, list[str]] | None:
    """The figure, and the labels that found no place in it; None where no system has both figures."""
    shown = points(group, cost, metric)
    if not shown:
        return None
    figure = new_figure(7.2, 4.4)
    axes, beside = figure.subplots(1, 2, width_ratios=[5, 1])
    several = any(point.low < point.high for point in shown)
    axes.set_ylabel(f"{metric} (mean of the seeds; thin line: least to most)" if several else metric)
    disturbed = cost.slug == "latency" and any(row.disturbed for point in shown for row in point.system.rows)
    axes.set_xlabel(f"{cost.label}; some timed while other runs used the machine" if disturbed else cost.label)
    axes.set_title(group.name)
    axes.margins(y=0.09)
    cost_axis(axes, [point.cost for point in shown])
    axes.update_datalim([(point.cost, value) for point in shown for value in (point.low, point.high)])
    axes.autoscale_view(scalex=False)
    axes.set_ylim(top=axes.get_ylim()[1] + ABOVE * (axes.get_ylim()[1] - axes.get_ylim()[0]))
    looks = looks_of([point.system.rows[0] for point in shown])
    key(figure, beside, [point.system.rows[0] for point in shown], looks)
    cost_ticks(axes, [point.cost for point in shown], figure)
    figure.set_layout_engine("none")  # from here on pixels stay where they are
    best = best_of(shown)
    steps = [(point.cost, point.quality) for point in best] + [(axes.get_xlim()[1], best[-1].quality)]
    axes.plot(
        *zip(*steps, strict=True), drawstyle="steps-post", color=FAINT, linestyle=FRONT, linewidth=1.1, zorder=1.5
    )
    places = _places(axes, shown, SIZE / 72 * figure.dpi, cost.apart)
    for point, (x, _) in zip(shown, places, strict=True):
        axes.vlines(x, point.low, point.high, color=FAINT, linewidth=0.8, zorder=1.8)
        axes.plot([x], [point.quality], linestyle="none", zorder=2.5, **looks(point.system.rows[0]))
    return figure, _name_front(figure, axes, places, [shown.index(point) for point in reversed(best)], shown)


def _places(axes: Any, shown: Sequence[Point], width: float, apart: bool) -> list[tuple[float, float]]:
    """Where the points are drawn, [P] pairs of data coordinates."""
    pixels = axes.transData.transform([(point.cost, point.quality) for point in shown])
    if apart:
        pixels[:, 0] += offsets(pixels[:, 0].tolist(), pixels[:, 1].tolist(), width * 1.25)
    return [(x, y) for x, y in axes.transData.inverted().transform(pixels).tolist()]


def _name_front(
    figure: Figure, axes: Any, places: Sequence[tuple[float, float]], best: Sequence[int], shown: Sequence[Point]
) -> list[str]:
    """Write the labels of the front's points, `best` first, where they cover no marker; returns those without a place.

    places: where the points are drawn; best: the rows of `shown` on the front, the best and dearest first.
    """
    scale = figure.dpi / 100
    half = (SIZE / 2 + EDGE) / 72 * figure.dpi
    pixels = [(x, y) for x, y in axes.transData.transform(places).tolist()]
    markers = [Box(x, y, x, y).grown(half) for x, y in pixels]
    corners = [tuple(axes.transData.transform((shown[i].cost, shown[i].quality))) for i in best]
    ends = [(axes.get_window_extent().x1, corners[0][1]), *corners]
    steps = [*zip(corners, ends, strict=False)]  # of the front: along, then up
    lines = [Box(x, y, right, y).grown(scale) for (x, y), (right, _) in steps]
    lines += [Box(right, y, right, top).grown(scale) for (_, y), (right, top) in steps]
    labels = [textwrap.fill(shown[i].system.label, WIDE) for i in best]
    texts = [
        axes.text(shown[i].cost, shown[i].quality, label, fontsize=7.5, linespacing=1.0, bbox=GROUND, va="bottom")
        for i, label in zip(best, labels, strict=True)
    ]
    extents = [text.get_window_extent() for text in texts]
    margin = MARGIN * scale
    sizes = [(extent.width + 2 * margin, extent.height + 2 * margin) for extent in extents]
    boxes = place([pixels[i] for i in best], sizes, markers, lines, Box(*axes.get_window_extent().extents), scale)
    back = axes.transData.inverted().transform
    for text, box, point in zip(texts, boxes, [pixels[i] for i in best], strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(back((box.left + margin, box.bottom + margin)))
        if math.dist(point, box.nearest(point)) > FAR * scale:
            axes.plot(*zip(*back([point, box.nearest(point)]), strict=True), color=INK, linewidth=0.5, zorder=2.6)
    return [shown[i].system.label for i, box in zip(best, boxes, strict=True) if box is None]
