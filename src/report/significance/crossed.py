"""Whether two systems differ when two things are random: the queries, and what a seed draws.

All systems answer the same queries, so seeds and queries are crossed: a system's scores are [S, Q]. The variance of the
difference of two means is a sum of parts, each estimated with its own degrees of freedom: one for the seeds of either
system, one for the queries. The test compares the difference with the root of the sum of t^2 x variance over the parts,
where t is Student's quantile for each part's degrees of freedom. However unequal the parts, it rejects no more true
null hypotheses than its level says; Welch's and Satterthwaite's approximations do with two or three seeds. Neither
scipy nor statsmodels has it.

Banerjee: Approximate Confidence Interval for Linear Functions of Means of k Populations When the Population Variances
are not Equal (Sankhya 22, 1960).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

Floats = NDArray[np.float64]

LEAST_P = 1e-16
HALVINGS = 60  # of the interval that is searched for p
MOST_SEEDS = 100
POWER = 0.8


@dataclass(frozen=True)
class Variance:
    """An estimate of a variance, and its degrees of freedom."""

    value: float
    degrees: float


def seed_variance(scores: Floats) -> float:
    """The variance of the means of S >= 2 seeds, from scores [S, Q]; queries that are NaN for any seed are left out."""
    return float(np.var(_complete(scores).mean(axis=1), ddof=1))


def interaction(scores: Floats) -> float:
    """What the interaction of seed and query adds to the variance of the mean over queries, from scores [S, Q].

    The mean square of seed x query, divided by S Q; 0 for one seed. The seeds' variance already includes it.
    """
    complete = _complete(scores)
    seeds, queries = complete.shape
    if seeds < 2 or queries < 2:
        return 0.0
    rest = complete - complete.mean(axis=0) - complete.mean(axis=1, keepdims=True) + complete.mean()
    return float((rest**2).sum() / ((seeds - 1) * (queries - 1)) / (seeds * queries))


def pooled(independent: Sequence[Variance]) -> Variance:
    """One estimate from several, each weighted by its degrees of freedom."""
    degrees = sum(one.degrees for one in independent)
    return Variance(sum(one.value * one.degrees for one in independent) / degrees, degrees)


def crossed_test(difference: Floats, variances: Floats, degrees: Floats) -> Floats:
    """Two-sided p [T] that differences [T] are zero, whose variances are sums of parts [T, P] with `degrees` [T, P].

    p is at least 1e-16. Without any variance it is 1 for a difference of 0, else 1e-16.
    """
    low, high = np.full(len(difference), np.log(LEAST_P)), np.zeros(len(difference))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        significant = np.abs(difference) > _reach(np.exp(middle), variances, degrees)
        low, high = np.where(significant, low, middle), np.where(significant, middle, high)
    return np.where(difference == 0, 1.0, np.exp(high))


def crossed_interval(
    difference: Floats, variances: Floats, degrees: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends [T], [T] of the interval of differences that `crossed_test` would not reject."""
    reach = _reach(np.full(len(difference), 1 - level), variances, degrees)
    return difference - reach, difference + reach


def seeds_needed(difference: float, per_seed: float, queries: float, drawn: int, alpha: float) -> int | None:
    """About how many seeds detect a difference of that size 8 times in 10, at level `alpha` before any correction.

    per_seed: the variance that one seed of all `drawn` systems (1 or 2) contributes; queries: that of the mean over
    queries. None = more than 100, or never: the queries alone vary too much.
    """
    for seeds in range(2, MOST_SEEDS + 1):
        parts = np.array([[per_seed / seeds, queries]])
        reach = _reach(np.array([alpha]), parts, np.array([[drawn * (seeds - 1.0), np.inf]]))[0]
        if reach + ndtri(POWER) * np.sqrt(parts.sum()) <= abs(difference):
            return seeds
    return None


def _reach(level: Floats, variances: Floats, degrees: Floats) -> Floats:
    """How far from 0 a difference must be to be significant at levels [T]: half of Banerjee's interval."""
    finite = np.where(np.isinf(degrees), 1.0, degrees)
    quantiles = np.where(np.isinf(degrees), ndtri(level / 2)[:, None], stdtrit(finite, level[:, None] / 2))
    least: Floats = np.sqrt(np.where(variances > 0, quantiles**2 * variances, 0.0).sum(axis=1))
    return least


def _complete(scores: Floats) -> Floats:
    return scores[:, ~np.isnan(scores).any(axis=0)]
