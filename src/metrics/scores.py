"""What scoring a run gives: one figure per question and metric, and their means."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (1, 5, 20, 50, 100, 1000)
METRICS = ("MRR@10", *(f"R@{k}" for k in CUTOFFS), "nDCG@10")


@dataclass(frozen=True)
class Scores:
    """The figures of a run over Q questions.

    `means` holds every metric that was asked for: its mean over the `counted` questions, or None where it cannot be
    told (nDCG of an answer match; R@1000 of a run that is 100 deep). `per_query` holds float64 [Q] for each metric
    that can be told, NaN for questions that are not counted.
    """

    per_query: dict[str, NDArray[np.float64]]
    means: dict[str, float | None]
    counted: int


def summarize(
    per_query: dict[str, NDArray[np.float64]], metrics: tuple[str, ...], counted: NDArray[np.bool_]
) -> Scores:
    """The means of `per_query` [Q] over the questions marked in `counted` [Q], in the order of `metrics`.

    Sums are exact, so that the order of the questions decides no digit.
    """
    told = {name: np.where(counted, per_query[name], np.nan) for name in metrics if name in per_query}
    count = int(counted.sum())
    means = {name: math.fsum(told[name][counted]) / count if name in told and count else None for name in metrics}
    return Scores(told, means, count)


def cutoff(metric: str) -> int:
    """How deep a metric looks: 10 for MRR@10."""
    return int(metric.partition("@")[2])


def within(metrics: tuple[str, ...], depth: int, passages: int) -> tuple[str, ...]:
    """The metrics that a run of `depth` ranks over `passages` passages can tell.

    R@1000 of a run that stops at rank 100 would be R@100 under a false name. MRR and nDCG are held to the same rule.
    """
    return tuple(name for name in metrics if cutoff(name) <= depth or depth >= passages)
