"""Markers of equal cost side by side, so that none hides another. All in pixels.

seaborn's swarmplot keeps to each cost's own width, so that markers of near costs overlap: benchmarks/labels.py.
"""

from collections.abc import Sequence

FURTHEST = 5  # marker widths by which a marker is moved at most


def offsets(xs: Sequence[float], ys: Sequence[float], width: float) -> list[float]:
    """How far to move each of P markers along x: as little as keeps it from covering those above it.

    xs, ys: where the markers belong; width: of a marker. The highest of several in one place does not move, nor does
    a marker without a free place within FURTHEST widths.
    """
    moved = [0.0] * len(xs)
    placed: list[tuple[float, float]] = []
    steps = [side * step * width / 2 for step in range(2 * FURTHEST + 1) for side in ((-1, 1) if step else (1,))]
    for place in sorted(range(len(xs)), key=lambda i: (-ys[i], xs[i], i)):
        for step in steps:
            x, y = xs[place] + step, ys[place]
            if all(abs(x - left) >= width or abs(y - up) >= width for left, up in placed):
                moved[place] = step
                break
        placed.append((xs[place] + moved[place], ys[place]))
    return moved
