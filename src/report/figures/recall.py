"""Recall at increasing depth: how far down the ranking a reader or a reranker has to go."""

import re
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..groups import Group
from ..systems import System
from .style import COLOURS, FAINT, INK, LINES, MARKERS, new_figure, plain


def depths(group: Group) -> list[int]:
    """The k of every R@k that all its systems have, ascending."""
    found = [int(match[1]) for name in group.metrics if (match := re.fullmatch(r"R@(\d+)", name))]
    return sorted(k for k in found if all(system.mean(f"R@{k}") is not None for system in group.systems))


def draw(group: Group, named: Sequence[System], baseline: System | None = None) -> Figure | None:
    """R@k over k for every system of the group, those not in `named` as thin grey lines behind.

    None with fewer than two depths.
    """
    ks = depths(group)
    if len(ks) < 2:
        return None
    figure = new_figure(5.6, 3.8)
    axes = figure.add_subplot()
    behind = [system for system in group.systems if system not in named]
    for number, system in enumerate(behind):
        axes.plot(
            ks, _curve(system, ks), color="#cfcfcf", linewidth=0.7, zorder=1.2,
            label=f"{len(behind)} other system{'s' if len(behind) > 1 else ''}" if not number else None,
        )  # fmt: skip
    for number, system in enumerate(named):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            ks, _curve(system, ks), color=colour, linestyle=LINES[number % len(LINES)],
            marker=MARKERS[number % len(MARKERS)], markersize=4.5, markeredgecolor=INK, markeredgewidth=0.4,
            zorder=2 + (len(named) - number) / 100,
            label=f"{system.label} (baseline)" if system == baseline else system.label,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(ks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.set_xlabel("depth k")
    axes.set_ylabel("R@k")
    axes.set_title(group.name)
    handles, labels = axes.get_legend_handles_labels()
    first = 1 if behind else 0
    axes.legend(handles[first:] + handles[:first], labels[first:] + labels[:first], loc="lower right", handlelength=3.6)
    axes.axhline(1.0, color=FAINT, linewidth=0.6, zorder=1)
    return figure


def _curve(system: System, ks: Sequence[int]) -> list[float]:
    """R@k of a system that has all of them."""
    return [mean for k in ks if (mean := system.mean(f"R@{k}")) is not None]
