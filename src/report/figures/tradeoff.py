"""Quality against cost, with the Pareto front: which retriever, with which compression, for which budget."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..averages import average
from ..costs import Cost
from ..groups import Group
from ..systems import System
from .legend import EDGE, SIZE, draw_legend, looks_of
from .pareto import front
from .placing import Floats, Surroundings, nearest, place
from .style import FAINT, FRONT, INK, cost_axis, cost_ticks, new_figure
from .swarm import offsets

GROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}  # so that a label can be read on a line
MARGIN = 1.5  # pixels (at 100 per inch) around a label
ABOVE = 0.1  # of the height, left for labels above the best
WIDE = 16  # characters in a line of a label
FAR = 12  # pixels (at 100 per inch) between a point and its label beyond which a line joins them


@dataclass(frozen=True)
class Point:
    """A system in the figure: its cost and quality, and the least and most over its seeds."""

    system: System
    cost: float
    quality: float
    low: float
    high: float


def points(group: Group, cost: Cost, metric: str) -> list[Point]:
    """The systems that have both."""
    found = []
    for system in group.systems:
        price, quality = cost.value(average(system.rows, {}, {})), system.mean(metric)
        if price is not None and quality is not None:
            values = system.values(metric)
            found.append(Point(system, price, quality, min(values), max(values)))
    return found


def best_of(shown: Sequence[Point]) -> list[Point]:
    """The points on the Pareto front, from the cheapest to the best."""
    return [shown[i] for i in front([point.cost for point in shown], [point.quality for point in shown])]


def draw(group: Group, cost: Cost, metric: str) -> tuple[Figure, list[str]] | None:
    """The figure, and the labels for which it has no room; None if no system has both cost and metric."""
    shown = points(group, cost, metric)
    if not shown:
        return None
    figure = new_figure(7.2, 4.4)
    axes, margin = figure.subplots(1, 2, width_ratios=[5, 1])
    several = any(point.low < point.high for point in shown)
    axes.set_ylabel(f"{metric} (mean over seeds; thin line: range)" if several else metric)
    apart = cost.shown.group == "size"  # many systems have the same
    label = cost.label(row for point in shown for row in point.system.rows)
    axes.set_xlabel(f"{label}; equal sizes side by side" if apart else label)
    axes.set_title(group.name)
    axes.margins(y=0.09)
    cost_axis(axes, [point.cost for point in shown])
    axes.update_datalim([(point.cost, value) for point in shown for value in (point.low, point.high)])
    axes.autoscale_view(scalex=False)
    axes.set_ylim(top=axes.get_ylim()[1] + ABOVE * (axes.get_ylim()[1] - axes.get_ylim()[0]))
    looks = looks_of([point.system.rows[0] for point in shown])
    draw_legend(figure, margin, [point.system.rows[0] for point in shown], looks)
    cost_ticks(axes, [point.cost for point in shown], figure)
    figure.set_layout_engine("none")  # from here on pixels stay where they are
    best = best_of(shown)
    front_line = _steps(axes, best)
    axes.plot(*front_line.T, color=FAINT, linestyle=FRONT, linewidth=1.1, zorder=1.5)
    places = _places(axes, shown, SIZE / 72 * figure.dpi, apart)
    for point, (x, _) in zip(shown, places, strict=True):
        axes.vlines(x, point.low, point.high, color=FAINT, linewidth=0.8, zorder=1.8)
        axes.plot([x], [point.quality], linestyle="none", zorder=2.5, **looks(point.system.rows[0]))
    return figure, _label(axes, best, places, [shown.index(point) for point in best], front_line)


def _steps(axes: Any, best: Sequence[Point]) -> Floats:
    """The corners [2B, 2] of the front's line, in data coordinates: along each cost's quality, then up."""
    costs, qualities = np.repeat([point.cost for point in best], 2), np.repeat([point.quality for point in best], 2)
    return np.stack([np.append(costs[1:], axes.get_xlim()[1]), qualities], axis=1)


def _places(axes: Any, shown: Sequence[Point], width: float, apart: bool) -> Floats:
    """Where the points are drawn, [P, 2] in data coordinates."""
    pixels = axes.transData.transform([(point.cost, point.quality) for point in shown])
    if apart:
        pixels[:, 0] += offsets(pixels[:, 0].tolist(), pixels[:, 1].tolist(), width * 1.25)
    return np.asarray(axes.transData.inverted().transform(pixels))


def _label(axes: Any, best: Sequence[Point], places: Floats, of_best: Sequence[int], front_line: Floats) -> list[str]:
    """Write the labels of the front's points where they cover no marker; returns those for which there is no place.

    places: where all points are drawn; of_best: which of them are the front's.
    """
    dpi, to_pixels, to_data = axes.figure.dpi, axes.transData.transform, axes.transData.inverted().transform
    scale = dpi / 100
    pixels, corners = to_pixels(places), to_pixels(front_line)
    markers = _boxes(pixels, pixels, (SIZE / 2 + EDGE) / 72 * dpi)
    lines = _boxes(corners[:-1], corners[1:], scale)
    texts = [
        axes.text(*point, textwrap.fill(one.system.label, WIDE), fontsize=7.5, linespacing=1, bbox=GROUND, va="bottom")
        for one, point in zip(best, places[of_best], strict=True)
    ]
    sizes = np.array([text.get_window_extent().size for text in texts]) + 2 * MARGIN * scale
    around = Surroundings(markers, lines, axes.get_window_extent().extents, scale)
    boxes = place(pixels[of_best], sizes, around)
    for text, box, point in zip(texts, boxes, pixels[of_best], strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(to_data(box[:2] + MARGIN * scale))
        end = nearest(point, box)
        if np.linalg.norm(end - point) > FAR * scale:
            axes.plot(*to_data([point, end]).T, color=INK, linewidth=0.5, zorder=2.6)
    return [point.system.label for point, box in zip(best, boxes, strict=True) if box is None]


def _boxes(starts: Floats, ends: Floats, margin: float) -> Floats:
    """The boxes [N, 4] around lines from `starts` to `ends` [N, 2], with a margin."""
    return np.concatenate([np.minimum(starts, ends) - margin, np.maximum(starts, ends) + margin], axis=1)
