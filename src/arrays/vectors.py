"""Vectors in arrays that may be memory maps larger than memory: read block by block, checked, sampled."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from ..machine.progress_bar import bar

Vectors = NDArray[np.floating]
BLOCK_BYTES = 64 * 2**20  # of a block as float32


def block_rows(dimension: int) -> int:
    """The number of vectors of `dimension` in a block."""
    return max(1, BLOCK_BYTES // (4 * dimension))


def blocks(x: Vectors, name: str = "passage") -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield (first row, float32 [n, D]) over `x` [N, D]; raises LabradorError for an unusable vector."""
    step = block_rows(x.shape[1])
    for start in range(0, len(x), step):
        block = np.ascontiguousarray(x[start : start + step], dtype=np.float32)
        check_values(block, name, start)
        yield start, block


def watched(x: Vectors, description: str) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The `blocks` of passage vectors, with a progress bar."""
    with bar(description, " passages", total=len(x)) as shown:
        for start, block in blocks(x):
            yield start, block
            shown.update(len(block))


def check_values(x: Vectors, name: str, first: int = 0) -> None:
    """Raise LabradorError if a vector of `x` [N, D], numbered from `first`, is NaN, infinite or zero."""
    squares = np.einsum("nd,nd->n", x, x, dtype=np.float32)
    usable = np.isfinite(squares) & (squares > 0)
    if usable.all():
        return
    row = int(np.argmin(usable))
    found = "all zeros" if np.isfinite(x[row]).all() and not x[row].any() else "NaN, infinite or out of range"
    raise LabradorError(
        f"vector of {name} {first + row}: {found}, expected finite numbers that are not all zero; "
        "check the encoder (a diverged training run, or float16 that overflows) and encode again"
    )


def check_shape(x: NDArray[np.generic], width: int, name: str) -> None:
    """Raise LabradorError unless `x` is [N, width]."""
    if x.ndim != 2 or x.shape[1] != width:
        raise LabradorError(
            f"{name} of shape {list(x.shape)}: expected [N, {width}]; encode queries and passages with the encoder "
            "that the quantizer was fitted on"
        )


def sample(x: Vectors, count: int, seed: int) -> NDArray[np.float32]:
    """At most `count` rows of `x` [N, D], drawn with `seed`, in row order, as float32 [n, D].

    Read block by block, so a memory map is read once and forwards. Raises LabradorError for an unusable vector.
    """
    if len(x) <= count:
        rows = np.arange(len(x))
    else:
        rows = np.sort(np.random.default_rng(seed).choice(len(x), size=count, replace=False))
    drawn = np.empty((len(rows), x.shape[1]), dtype=np.float32)
    step = block_rows(x.shape[1])
    for start in range(0, len(rows), step):
        drawn[start : start + step] = x[rows[start : start + step]]
    squares = np.einsum("nd,nd->n", drawn, drawn)
    bad = np.flatnonzero(~np.isfinite(squares) | (squares == 0))
    if len(bad):
        check_values(drawn[bad[:1]], "passage", int(rows[bad[0]]))
    return drawn
