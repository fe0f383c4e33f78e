"""Paired tests and intervals over queries, for many comparisons at once.

Pure functions of per-query scores. Systems are the rows of `scores` [K, Q], NaN where a query has no score. A
comparison is a pair of rows (first, second) of `pairs` [T, 2]; it leaves out the queries that either lacks. scipy's
permutation test and bootstrap take one comparison at a time, and 290 and 35 times as long for a whole table:
benchmarks/significance.py.

Smucker, Allan, Carterette: A Comparison of Statistical Significance Tests for Information Retrieval (CIKM 2007).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

DRAWS = 10_000
BLOCK = 500  # draws at a time
TOLERANCE = 1e-11  # of the sum of the scores: two sums of the same numbers in different order are equal within it

Floats = NDArray[np.float64]


def differences(scores: Floats, pairs: NDArray[np.intp]) -> Floats:
    """First minus second of each pair, query by query, float64 [T, Q]; NaN where one of them has no score."""
    return scores[pairs[:, 0]] - scores[pairs[:, 1]]


def randomisation_test(
    scores: Floats, pairs: NDArray[np.intp], generator: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Two-sided p [T] of the paired randomisation test that the two systems of each pair have the same mean.

    Under that hypothesis the two scores of a query may be swapped: the sign of the difference is drawn for every
    query, and p is the share of draws whose mean difference is at least as large as the one observed. If all 2^Q swaps
    are no more than `draws`, they are enumerated; otherwise p = (1 + hits) / (1 + draws). All pairs use the same draws.
    Q = 0 gives p = 1.
    """
    columns, of_first, of_second = _columns(scores, pairs)
    total = columns.sum(axis=1)
    scale = np.abs(columns).sum(axis=1)
    observed = np.abs(total[of_first] - total[of_second]) - TOLERANCE * (scale[of_first] + scale[of_second])
    queries = scores.shape[1]
    exact = queries < 64 and 2**queries <= draws
    signs = _every_sign(queries) if exact else _drawn_signs(generator, draws, queries)
    hits = np.zeros(len(pairs), dtype=np.int64)
    for block in signs:
        sums = (block @ columns.T).T
        hits += (np.abs(sums[of_first] - sums[of_second]) >= observed[:, None]).sum(axis=1)
    return hits / 2**queries if exact else (1 + hits) / (1 + draws)


def t_test(differences: Floats) -> Floats:
    """Two-sided p [T] of the paired t-test on `differences` [T, Q], NaN = no score.

    Constant differences give 1 if they are 0 and 0 otherwise; fewer than two differences give NaN.
    """
    variance, counted = mean_variance(differences)
    mean = _mean(differences, counted)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(counted - 1, -np.abs(mean / np.sqrt(variance)))
    return np.where(counted < 2, np.nan, np.where(mean == 0, 1.0, p))


def mean_variance(differences: Floats) -> tuple[Floats, NDArray[np.int_]]:
    """The variance [T] of the mean of each row of `differences` [T, Q] over its queries, and how many queries, [T].

    NaN = no score; the variance of fewer than two is 0.
    """
    counted = (~np.isnan(differences)).sum(axis=1)
    rest = np.nan_to_num(differences - _mean(differences, counted)[:, None])
    return (rest**2).sum(axis=1) / np.maximum(counted - 1, 1) / np.maximum(counted, 1), counted


def bootstrap_interval(
    differences: Floats, generator: np.random.Generator, draws: int = DRAWS, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends [T], [T] of the bootstrap percentile interval of the mean of each row of `differences` [T, Q].

    Queries are drawn with replacement, the same ones for all rows; NaN = no score.
    """
    counted, of = np.unique(~np.isnan(differences), axis=0, return_inverse=True)
    filled = np.nan_to_num(differences)
    means = np.empty((len(differences), draws))
    for start, weights in _resampled(generator, draws, differences.shape[1]):
        sums, counts = weights @ filled.T, weights @ counted.T.astype(np.float64)
        with np.errstate(invalid="ignore"):  # 0 / 0: a draw in which no query has a score
            means[:, start : start + len(weights)] = (sums / counts[:, of.ravel()]).T
    tail = (1 - level) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail], axis=1)
    return low, high


def holm(p: Floats) -> Floats:
    """p [T] of T tests after Holm's step-down correction, to be compared with the level for all tests together.

    The i-th smallest of T is multiplied by T - i + 1 and is no smaller than any before it.
    """
    ranked = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[ranked] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(steps)
    corrected[ranked] = np.minimum(steps, 1.0)
    return corrected


def _mean(differences: Floats, counted: NDArray[np.int_]) -> Floats:
    means: Floats = np.nansum(differences, axis=1) / np.maximum(counted, 1)
    return means


def _columns(scores: Floats, pairs: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """What a sum over a pair's queries is made from: rows [C, Q], and which of them are each pair's first and second.

    A row is a system with 0 where it, or the other of the pair, has no score. Systems with scores for the same queries
    need one row each, however many pairs there are.
    """
    counted = ~np.isnan(scores)
    _, kinds = np.unique(counted, axis=0, return_inverse=True)
    kinds = kinds.ravel()
    both = np.concatenate([pairs, pairs[:, ::-1]])
    wanted, places = np.unique(np.stack([both[:, 0], kinds[both[:, 1]]]), axis=1, return_inverse=True)
    example = {int(kind): row for row, kind in enumerate(kinds)}
    masks = counted[[example[int(kind)] for kind in wanted[1]]]
    rows = np.where(masks & counted[wanted[0]], scores[wanted[0]], 0.0)
    of_first, of_second = np.split(places.ravel(), 2)
    return rows, of_first, of_second


def _every_sign(queries: int) -> Iterator[Floats]:
    """All 2^Q ways to give Q queries a sign, in blocks [B, Q]."""
    for start in range(0, 2**queries, BLOCK):
        numbers = np.arange(start, min(start + BLOCK, 2**queries))
        yield 1 - 2 * (numbers[:, None] >> np.arange(queries) & 1).astype(np.float64)


def _drawn_signs(generator: np.random.Generator, draws: int, queries: int) -> Iterator[Floats]:
    """`draws` random signs of Q queries, in blocks [B, Q]."""
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start) * queries
        bits = np.unpackbits(np.frombuffer(generator.bytes(-(-size // 8)), dtype=np.uint8), count=size)
        yield 1 - 2 * bits.reshape(-1, queries).astype(np.float64)


def _resampled(generator: np.random.Generator, draws: int, queries: int) -> Iterator[tuple[int, Floats]]:
    """How often each of Q queries is in a sample of Q, in blocks [B, Q], each with the number of its first draw."""
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start)
        drawn = generator.integers(0, queries, (size, queries)) + np.arange(size)[:, None] * queries
        yield start, np.bincount(drawn.ravel(), minlength=size * queries).reshape(size, queries).astype(np.float64)
