"""The look of every figure: colours for colour-blind readers, markers and lines that survive printing in grey."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ...results import three_digits

# Okabe and Ito (2008), without yellow, which is too light on white paper
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
FILLS = ("full", "pale", "left", "bottom", "right", "top", "full")  # so that colour is not needed to distinguish them
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "h", "*", "<", ">")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 3, 1, 3)))
FRONT = (0, (4, 2))  # the line of a Pareto front
INK, FAINT = "#222222", "#9a9a9a"
FEW, ROOM = 8, 0.4  # costs that an axis labels; inches that a label takes
PER_LINE = 3  # panels side by side
DECADE = 10.0  # ratio of the largest to the smallest cost from which the axis is logarithmic

STYLE: dict[str, Any] = {
    "font.size": 8.5,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "figure.facecolor": "white",
    "savefig.dpi": 200,
    "svg.fonttype": "none",  # text stays text: it can be searched and edited
    "svg.hashsalt": "labrador",  # the same figure gives the same file
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches; draw and save it within `styled`."""
    return Figure(figsize=(width, height), dpi=STYLE["savefig.dpi"], layout="constrained")


def panels(count: int, height: float, shared: bool) -> tuple[Figure, list[Any]]:
    """A figure of `count` axes in a grid, each about `height` inches high, with `shared` axes or without."""
    columns = 2 if count == 4 else min(PER_LINE, count)
    lines = -(-count // columns)
    figure = new_figure(max(3.5, 2.5 * columns), 0.5 + height * lines)
    axes = figure.subplots(lines, columns, sharex=shared, sharey=shared, squeeze=False).ravel()
    for empty in axes[count:]:
        empty.set_visible(False)
    return figure, list(axes[:count])


def styled() -> Any:
    """The context within which figures are made."""
    return mpl.rc_context(STYLE)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write NAME.svg and NAME.png into `folder`, byte for byte the same for the same figure; returns both paths."""
    files = [folder / f"{name}.svg", folder / f"{name}.png"]
    figure.savefig(files[0], metadata={"Date": None, "Creator": None})
    figure.savefig(files[1], metadata={"Software": None})
    return files


def cost_axis(axes: Any, costs: Sequence[float]) -> None:
    """Scale the x axis for `costs`: logarithmic with plain numbers if they span a decade."""
    low, high = min(costs), max(costs)
    if low > 0 and high / low >= DECADE:
        axes.set_xscale("log")
        axes.set_xlim(low / (high / low) ** 0.12, high * (high / low) ** 0.08)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    else:
        room = 0.08 * (high - low or high or 1.0)
        axes.set_xlim(max(0.0, low - room), high + room)


def cost_ticks(axes: Any, costs: Sequence[float], figure: Figure) -> None:
    """Label the costs themselves on the x axis if they are few, the most frequent first, as far as there is room."""
    counts = Counter(costs)
    if len(counts) > FEW:
        return
    kept: list[float] = []
    for cost, _ in counts.most_common():
        x = axes.transData.transform((cost, 0.5))[0]
        if all(abs(x - axes.transData.transform((other, 0.5))[0]) > ROOM * figure.dpi for other in kept):
            kept.append(cost)
    axes.set_xticks(sorted(kept), [plain(cost) for cost in sorted(kept)])
    axes.set_xticks(sorted(set(counts) - set(kept)), minor=True)


def plain(value: float) -> str:
    """A tick's number without an exponent: 0.5, 2, 20, 1,000."""
    if value >= 1 and value == round(value):
        return f"{value:,.0f}"
    return three_digits(value) if value >= 1 else f"{value:.3g}"
