"""Whether a difference between systems is one: paired tests and intervals, over many comparisons at once.

Pure functions of figures by question. Systems are rows of `values` [K, Q], NaN where a question does not count;
a comparison is a pair of rows (first, second) of `pairs` [T, 2], and leaves out what does not count in either.

Smucker, Allan, Carterette: A Comparison of Statistical Significance Tests for Information Retrieval (CIKM 2007).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

DRAWS = 10_000
BLOCK = 500  # draws at a time
TOLERANCE = 1e-11  # of the figures' sum: below this, two sums of the same numbers in another order are equal

Floats = NDArray[np.float64]


def differences(values: Floats, pairs: NDArray[np.intp]) -> Floats:
    """First less second of each pair, question by question, float64 [T, Q]; NaN where one of them does not count."""
    return values[pairs[:, 0]] - values[pairs[:, 1]]


def randomisation_test(
    values: Floats, pairs: NDArray[np.intp], generator: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Two-sided p [T] of the paired randomisation test that the two systems of each pair have the same mean.

    Under that hypothesis the two figures of a question may be swapped: the difference's sign is drawn for every
    question, and p is the share of draws whose mean difference is at least as large as the one seen. All of the 2^Q
    swaps are enumerated when there are no more than `draws`; otherwise p = (1 + hits) / (1 + draws). The same draws
    serve all pairs. Q = 0 gives p = 1.
    """
    columns, of_first, of_second = _columns(values, pairs)
    total = columns.sum(axis=1)
    scale = np.abs(columns).sum(axis=1)
    seen = np.abs(total[of_first] - total[of_second]) - TOLERANCE * (scale[of_first] + scale[of_second])
    questions = values.shape[1]
    exact = questions < 64 and 2**questions <= draws
    signs = _every_sign(questions) if exact else _drawn_signs(generator, draws, questions)
    hits = np.zeros(len(pairs), dtype=np.int64)
    for block in signs:
        sums = (block @ columns.T).T
        hits += (np.abs(sums[of_first] - sums[of_second]) >= seen[:, None]).sum(axis=1)
    return hits / 2**questions if exact else (1 + hits) / (1 + draws)


def t_test(differences: Floats) -> Floats:
    """Two-sided p [T] of the paired t-test on `differences` [T, Q], NaN = not counted.

    Differences that are all the same give 1 where they are 0 and 0 elsewhere; fewer than two of them give NaN.
    """
    counted = (~np.isnan(differences)).sum(axis=1)
    told = np.where(counted[:, None] > 1, differences, np.nan)
    mean = _mean(told, counted)
    rest = np.where(np.isnan(told), 0.0, told - mean[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((rest**2).sum(axis=1) / (counted - 1) / counted)
        p = 2 * stdtr(counted - 1, -np.abs(mean / error))
    return np.where(counted < 2, np.nan, np.where((error == 0) & (mean == 0), 1.0, p))


def mean_variance(differences: Floats) -> tuple[Floats, NDArray[np.int_]]:
    """The variance [T] of the mean of each row of `differences` [T, Q] over its questions, and how many count, [T].

    NaN = not counted; of fewer than two, 0.
    """
    counted = (~np.isnan(differences)).sum(axis=1)
    rest = np.nan_to_num(differences - _mean(differences, counted)[:, None])
    return (rest**2).sum(axis=1) / np.maximum(counted - 1, 1) / np.maximum(counted, 1), counted


def bootstrap_interval(
    differences: Floats, generator: np.random.Generator, draws: int = DRAWS, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends [T], [T] of the bootstrap percentile interval of the mean of each row of `differences` [T, Q].

    Questions are drawn with replacement, the same for all rows; NaN = not counted.
    """
    counted, of = np.unique(~np.isnan(differences), axis=0, return_inverse=True)
    filled = np.nan_to_num(differences)
    means = np.empty((len(differences), draws))
    for start, weights in _resampled(generator, draws, differences.shape[1]):
        sums, counts = weights @ filled.T, weights @ counted.T.astype(np.float64)
        with np.errstate(invalid="ignore"):  # 0 / 0: a draw in which no question counts
            means[:, start : start + len(weights)] = (sums / counts[:, of.ravel()]).T
    tail = (1 - level) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail], axis=1)
    return low, high


def holm(p: Floats) -> Floats:
    """Holm's step-down correction of p [T] for T tests: what to compare with alpha so that one false alarm is as rare.

    The i-th smallest of T is multiplied by T - i + 1, and is no smaller than any before it.
    """
    ranked = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[ranked] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(steps)
    corrected[ranked] = np.minimum(steps, 1.0)
    return corrected


def _mean(differences: Floats, counted: NDArray[np.int_]) -> Floats:
    return np.nansum(differences, axis=1) / np.maximum(counted, 1)


def _columns(values: Floats, pairs: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """What a sum over the questions of a pair is made from: rows [C, Q], and each pair's first and second of them.

    A row is a system with 0 where it, or the other of the pair, does not count: systems that count the same questions
    need one row each, however many pairs there are.
    """
    counted = ~np.isnan(values)
    _, kinds = np.unique(counted, axis=0, return_inverse=True)
    kinds = kinds.ravel()
    both = np.concatenate([pairs, pairs[:, ::-1]])
    wanted, places = np.unique(np.stack([both[:, 0], kinds[both[:, 1]]]), axis=1, return_inverse=True)
    example = {int(kind): row for row, kind in enumerate(kinds)}
    masks = counted[[example[int(kind)] for kind in wanted[1]]]
    rows = np.where(masks & counted[wanted[0]], values[wanted[0]], 0.0)
    of_first, of_second = np.split(places.ravel(), 2)
    return rows, of_first, of_second


def _every_sign(questions: int) -> Iterator[Floats]:
    """All 2^Q ways to give Q questions a sign, [block, Q] at a time."""
    for start in range(0, 2**questions, BLOCK):
        numbers = np.arange(start, min(start + BLOCK, 2**questions))
        yield 1 - 2 * (numbers[:, None] >> np.arange(questions) & 1).astype(np.float64)


def _drawn_signs(generator: np.random.Generator, draws: int, questions: int) -> Iterator[Floats]:
    """Random signs [block, Q] at a time, `draws` of them in all."""
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start) * questions
        bits = np.unpackbits(np.frombuffer(generator.bytes(-(-size // 8)), dtype=np.uint8), count=size)
        yield 1 - 2 * bits.reshape(-1, questions).astype(np.float64)


def _resampled(generator: np.random.Generator, draws: int, questions: int) -> Iterator[tuple[int, Floats]]:
    """How often each of Q questions is in a sample of Q, [block, Q] at a time, and the number of the block's first."""
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start)
        drawn = generator.integers(0, questions, (size, questions)) + np.arange(size)[:, None] * questions
        yield start, np.bincount(drawn.ravel(), minlength=size * questions).reshape(size, questions).astype(np.float64)
