"""Markers of equal cost beside each other, so that none hides another. All in pixels."""

from collections.abc import Sequence

FURTHEST = 5  # widths of a marker by which one is moved at most


def offsets(xs: Sequence[float], ys: Sequence[float], width: float) -> list[float]:
    """How far each of P markers is moved along x: as little as keeps it from covering those above it.

    xs, ys: where the markers belong; width: of a marker. The highest of those in a place stays. A marker for which
    there is no free place within FURTHEST widths stays, too.
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
