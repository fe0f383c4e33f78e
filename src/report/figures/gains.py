"""How many queries a system gains on, and loses on, relative to a baseline: a mean hides both."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..groups import Group
from ..per_query import check_queries
from ..systems import System
from .style import INK, panels

GAIN, LOSS = "#0072B2", "#E69F00"  # Okabe and Ito's blue and orange: dark and light when printed in grey
WIDE = 26  # characters: the longest line of a panel's title
PER_INCH = 12  # characters of the figure's title


def gains(system: System, baseline: System, metric: str) -> NDArray[np.float64]:
    """The metric minus the baseline's for each query with both, float64 [Q], largest first.

    Raises LabradorError if the two were scored on different queries.
    """
    qids, values = system.per_query(metric)
    others, base = baseline.per_query(metric)
    check_queries(system.files[0], qids, baseline.files[0], others)
    apart = values - base
    return np.sort(apart[~np.isnan(apart)])[::-1]


def draw(group: Group, named: Sequence[System], baseline: System, metric: str) -> Figure | None:
    """One panel for each system of `named` except the baseline; None without any, or without the metric."""
    shown = [s for s in named if s != baseline and s.mean(metric) is not None]
    if not shown or baseline.mean(metric) is None:
        return None
    figure, axes = panels(len(shown), 1.75, shared=True)
    for each, system in zip(axes, shown, strict=True):
        _panel(each, system.label, gains(system, baseline, metric))
    title = f"{group.name}: {metric} minus that of {baseline.label}"
    wide = int(PER_INCH * figure.get_figwidth())
    figure.suptitle(textwrap.fill(title, wide), fontsize=9, fontweight="bold")
    figure.supxlabel("queries in order of gain (percent)", fontsize=8.5)
    figure.supylabel(f"difference in {metric}", fontsize=8.5)
    return figure


def _panel(axes: Any, label: str, apart: NDArray[np.float64]) -> None:
    """A bar for each query, all of equal width; bars of equal height are drawn as one to keep the file small."""
    first = np.flatnonzero(np.diff(apart, prepend=np.inf))
    edges, heights = np.append(first, len(apart)) * 100 / len(apart), apart[first]
    won, lost = int((apart > 0).sum()), int((apart < 0).sum())
    for colour, values in ((GAIN, np.maximum(heights, 0)), (LOSS, np.minimum(heights, 0))):
        axes.stairs(values, edges, fill=True, color=colour, linewidth=0)
    axes.axhline(0, color=INK, linewidth=0.7)
    axes.set_xlim(0, 100)
    axes.set_title("\n".join(textwrap.wrap(label, WIDE)), fontsize=8)
    mean = f"{np.mean(apart):+.4f}".replace("-", "\N{MINUS SIGN}")
    gained = f"better on {won:,}\nworse on {lost:,}\nequal on {len(apart) - won - lost:,}\nmean {mean}"
    axes.text(0.97, 0.96, gained, transform=axes.transAxes, ha="right", va="top", fontsize=7, color=INK)
