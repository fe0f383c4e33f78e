"""Where labels and markers of a figure go, compared with adjustText and seaborn, on the systems of docs/matrix.md.

    pip install adjustText seaborn
    OMP_NUM_THREADS=1 python benchmarks/labels.py

A label should cover no marker and no other label, a marker no other marker. Labels: the Pareto front of quality and
latency. Markers: all systems by quality and bytes, where many have the same size. Prints a Markdown table.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import seaborn
from adjustText import adjust_text
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from labrador.report.figures.pareto import front
from labrador.report.figures.placing import Floats, Surroundings, overlap, place
from labrador.report.figures.swarm import offsets

MATRIX = Path(__file__).resolve().parents[1] / "docs" / "matrix.md"
WIDTH = 15.0  # pixels of a marker at 200 an inch


def systems() -> tuple[list[str], Floats]:
    """Labels of the table's systems, and bytes, milliseconds and MRR@10 of each, [S, 3]."""
    lines = [
        line.replace("*", "").strip("|").split("|") for line in MATRIX.read_text().splitlines() if line[:2] == "| "
    ]
    cells = [[cell.strip() for cell in line] for line in lines[2:]]
    figures = [[float(text.split()[0].replace(",", "")) for text in (line[5], line[8], line[3])] for line in cells]
    return [" ".join(line[:2]) + "\n" + line[2] for line in cells], np.array(figures)


def new_axes(x: Floats, y: Floats) -> Any:
    """The axes of a figure as the report draws it."""
    axes = Figure(figsize=(7.2, 4.4), dpi=200, layout="constrained").add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(x.min() * 0.7, x.max() * 1.3)
    axes.set_ylim(y.min() - 0.01, y.max() + 0.03)
    axes.figure.draw_without_rendering()
    axes.figure.set_layout_engine("none")
    return axes


def squares(centres: Floats) -> Floats:
    """The markers' boxes [N, 4]."""
    return np.concatenate([centres - WIDTH / 2, centres + WIDTH / 2], axis=1)


def timed(what: str, work: Callable[[], Floats], others: Floats) -> None:
    """Print the seconds of some work, and how many of its boxes overlap one another or `others`."""
    start = time.perf_counter()
    boxes = work()
    seconds = time.perf_counter() - start
    pairs = (overlap(boxes, boxes).sum() - len(boxes)) // 2
    print(f"| {what} | {seconds:.3f} | {pairs} | {overlap(boxes, others).sum()} |")


def labels(names: list[str], x: Floats, y: Floats) -> None:
    """Compare the labels of the front."""
    axes, best = new_axes(x, y), front(x.tolist(), y.tolist())
    pixels = axes.transData.transform(np.stack([x, y], axis=1))
    around = Surroundings(squares(pixels), np.empty((0, 4)), axes.get_window_extent().extents, 2.0)
    texts = [axes.text(x[i], y[i], names[i], fontsize=7.5, linespacing=1) for i in best]
    sizes = np.array([text.get_window_extent().size for text in texts])

    def theirs() -> Floats:
        adjust_text(texts, objects=[Bbox.from_extents(*box) for box in around.markers], ax=axes, iter_lim=500)
        return np.array([text.get_window_extent().extents for text in texts])

    ours = lambda: np.array([box for box in place(pixels[best], sizes, around) if box is not None])  # noqa: E731
    timed(f"{len(best)} labels: ours", ours, around.markers)
    timed(f"{len(best)} labels: adjustText", theirs, around.markers)


def markers(x: Floats, y: Floats) -> None:
    """Compare the markers of equal size."""
    axes = new_axes(x, y)
    pixels = axes.transData.transform(np.stack([x, y], axis=1))

    def ours() -> Floats:
        moved = offsets(pixels[:, 0].tolist(), pixels[:, 1].tolist(), WIDTH)
        return squares(pixels + np.stack([moved, np.zeros(len(x))], axis=1))

    def theirs() -> Floats:
        seaborn.swarmplot(x=x, y=y, native_scale=True, log_scale=(True, False), size=WIDTH * 72 / 200, ax=axes)
        axes.set_xlim(x.min() * 0.7, x.max() * 1.3)
        FigureCanvasAgg(axes.figure).draw()
        return squares(np.concatenate([axes.transData.transform(swarm.get_offsets()) for swarm in axes.collections]))

    timed(f"{len(x)} markers: ours", ours, np.empty((0, 4)))
    timed(f"{len(x)} markers: seaborn's swarmplot", theirs, np.empty((0, 4)))


def main() -> None:
    """Print the table."""
    names, figures = systems()
    print("| | seconds | pairs that overlap | markers covered |\n|---|---|---|---|")
    labels(names, figures[:, 1], figures[:, 2])
    markers(figures[:, 0], figures[:, 2])


if __name__ == "__main__":
    main()
