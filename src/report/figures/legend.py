"""How the systems of a figure look, and its legend: colour and fill, shape, edge."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...results import ResultRow
from .style import COLOURS, FAINT, FILLS, FRONT, INK, MARKERS

SIZE = 5.5  # points: width of a marker
EDGE = 1.1  # points: its outline
PALE = 0.3  # share of its colour that a pale marker keeps
GREY = "#777777"
RERANKED = "two_stage"
GAP = 0.03  # of the axes' height, between two parts of the legend

Looks = Callable[[ResultRow], dict[str, Any]]


def looks_of(rows: Sequence[ResultRow]) -> Looks:
    """How a row's marker looks: colour and fill by retriever, shape by compression, a dark edge if it reranks.

    They are assigned in alphabetical order, so that all figures of a group agree.
    """
    retrievers = sorted({row.retriever for row in rows})
    quantizers = sorted({row.quantizer or "" for row in rows})

    def looks(row: ResultRow) -> dict[str, Any]:
        which = retrievers.index(row.retriever) % len(COLOURS)
        pale = FILLS[which] == "pale"
        return {
            "color": COLOURS[which],
            "fillstyle": "full" if pale else FILLS[which],
            "markerfacecolor": _pale(COLOURS[which]) if pale else COLOURS[which],
            "marker": MARKERS[quantizers.index(row.quantizer or "") % len(MARKERS)],
            "markersize": SIZE,
            "markerfacecoloralt": "white",
            "markeredgecolor": INK if row.search == RERANKED else COLOURS[which],
            "markeredgewidth": EDGE,
        }

    return looks


def _pale(colour: str) -> tuple[float, ...]:
    return tuple(1 - PALE * (1 - part) for part in to_rgb(colour))


def draw_legend(figure: Figure, axes: Any, rows: Sequence[ResultRow], looks: Looks) -> None:
    """Draw the legend of colours, shapes and edges into the empty `axes`."""
    axes.set_axis_off()
    legends = []
    for title, entries in _parts(rows, looks):
        legends.append(
            axes.legend(
                handles=entries,
                title=title,
                loc="upper left",
                bbox_to_anchor=(0, 1),
                borderaxespad=0,
                borderpad=0,
                alignment="left",
                title_fontproperties={"weight": "bold", "size": 8},
                labelspacing=0.35,
                handletextpad=0.5,
            )
        )
        axes.add_artist(legends[-1])
    axes.legend_ = None  # every part was added as an artist
    figure.draw_without_rendering()
    top = 1.0
    for legend in legends:  # now that their heights are known
        legend.set_bbox_to_anchor((0, top), axes.transAxes)
        top -= legend.get_window_extent().height / axes.get_window_extent().height + GAP


def _parts(rows: Sequence[ResultRow], looks: Looks) -> list[tuple[str, list[Line2D]]]:
    """The title and the entries of each part."""
    retrievers = {row.retriever: looks(row) for row in sorted(rows, key=lambda row: row.retriever)}
    quantizers = {row.quantizer or "none": looks(row) for row in sorted(rows, key=lambda row: row.quantizer or "")}
    grey = {"color": GREY, "fillstyle": "full", "markerfacecolor": GREY, "markeredgecolor": GREY}
    parts = [
        (
            "Retriever",
            [_entry(n, look | {"marker": "o", "markeredgecolor": look["color"]}) for n, look in retrievers.items()],
        ),
        ("Compression", [_entry(name, look | grey) for name, look in quantizers.items()]),
    ]
    if len({row.search == RERANKED for row in rows}) > 1:
        light = {"marker": "o", "markersize": SIZE, "color": "#c8c8c8", "markeredgewidth": EDGE}
        edges = [("one stage", "#c8c8c8"), ("reranked", INK)]
        parts.append(("Search", [_entry(name, light | {"markeredgecolor": edge}) for name, edge in edges]))
    parts.append(("", [Line2D([], [], color=FAINT, linestyle=FRONT, linewidth=1.1, label="Pareto front")]))
    return parts


def _entry(name: str, look: dict[str, Any]) -> Line2D:
    return Line2D([], [], linestyle="none", label=name, **look)
