"""Whether a difference is one where two things are random: the questions, and what a seed draws.

Systems answer the same questions, so questions and seeds are crossed: figures of a system are [S, Q]. The variance of a
difference of two means is the sum of parts that are estimated each with its own degrees of freedom: what the seeds of
either system bring, and what the questions bring. The test compares the difference with the root of the sum of
t^2 x variance over the parts, t being Student's quantile for each part's degrees of freedom: it never calls more than
its level of true zeros a difference, however unequal the parts are, where Welch's and Satterthwaite's approximations
do with two or three seeds.

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
HALVINGS = 60  # of the interval in which p is sought
MOST_SEEDS = 100  # that are thought of
POWER = 0.8


@dataclass(frozen=True)
class Spread:
    """A variance that was estimated, and its degrees of freedom."""

    variance: float
    degrees: float


def seed_variance(figures: Floats) -> float:
    """The variance of the means of S >= 2 seeds, from figures [S, Q]; a question that one leaves out (NaN) is out."""
    return float(np.var(_whole(figures).mean(axis=1), ddof=1))


def within(figures: Floats) -> float:
    """What seeds that answer single questions otherwise add to the variance of the questions' mean, from [S, Q].

    The mean square of seed x question, by S Q; 0 for one seed. It is in the seeds' variance already.
    """
    whole = _whole(figures)
    seeds, questions = whole.shape
    if seeds < 2 or questions < 2:
        return 0.0
    rest = whole - whole.mean(axis=0) - whole.mean(axis=1, keepdims=True) + whole.mean()
    return float((rest**2).sum() / ((seeds - 1) * (questions - 1)) / (seeds * questions))


def pooled(independent: Sequence[Spread]) -> Spread:
    """One variance from several estimates of it, each weighing as many degrees of freedom as it has."""
    degrees = sum(one.degrees for one in independent)
    return Spread(sum(one.variance * one.degrees for one in independent) / degrees, degrees)


def crossed_test(difference: Floats, variances: Floats, degrees: Floats) -> Floats:
    """Two-sided p [T] that differences [T] are zero whose variances are the sums of parts [T, P] of `degrees` [T, P].

    A part of variance 0 counts for nothing. p is no less than 1e-16; without any variance it is 1 for a difference of
    0, else 1e-16.
    """
    low, high = np.full(len(difference), np.log(LEAST_P)), np.zeros(len(difference))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        beyond = np.abs(difference) > _reach(np.exp(middle), variances, degrees)  # significant at that level
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.where(difference == 0, 1.0, np.exp(high))


def crossed_interval(
    difference: Floats, variances: Floats, degrees: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends [T], [T] of the interval of differences whose zero `crossed_test` would not reject."""
    reach = _reach(np.full(len(difference), 1 - level), variances, degrees)
    return difference - reach, difference + reach


def seeds_needed(difference: float, per_seed: float, questions: float, drawn: int, alpha: float) -> int | None:
    """About how many seeds tell a difference of that size, 8 times in 10, at level `alpha` before any correction.

    per_seed: the variance that one seed of all `drawn` systems (1 or 2) brings; questions: that of the questions' mean.
    None = more than 100, or never: the questions alone spread too far.
    """
    for seeds in range(2, MOST_SEEDS + 1):
        parts = np.array([[per_seed / seeds, questions]])
        reach = _reach(np.array([alpha]), parts, np.array([[drawn * (seeds - 1.0), np.inf]]))[0]
        if reach + ndtri(POWER) * np.sqrt(parts.sum()) <= abs(difference):
            return seeds
    return None


def _reach(level: Floats, variances: Floats, degrees: Floats) -> Floats:
    """How far from 0 a difference must lie to differ from it at levels [T]: half of Banerjee's interval."""
    quantiles = np.where(np.isinf(degrees), ndtri(level / 2)[:, None], stdtrit(_finite(degrees), level[:, None] / 2))
    return np.sqrt(np.where(variances > 0, quantiles**2 * variances, 0.0).sum(axis=1))


def _finite(degrees: Floats) -> Floats:
    return np.where(np.isinf(degrees), 1.0, degrees)


def _whole(figures: Floats) -> Floats:
    return figures[:, ~np.isnan(figures).any(axis=0)]
