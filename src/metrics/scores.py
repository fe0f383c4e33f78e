"""The scores of a run: one per query and metric, and their means."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (1, 5, 20, 50, 100, 1000)
METRICS = ("MRR@10", *(f"R@{k}" for k in CUTOFFS), "nDCG@10")


@dataclass(frozen=True)
class Scores:
    """The scores of a run over Q queries.

    means: for every requested metric its mean over the `counted` queries, or None where the run does not determine it
    (nDCG of an answer match; R@1000 of a run 100 deep). per_query: float64 [Q] for each metric that it does determine,
    NaN for queries that are not counted.
    """

    per_query: dict[str, NDArray[np.float64]]
    means: dict[str, float | None]
    counted: int


def summarize(
    per_query: dict[str, NDArray[np.float64]], metrics: tuple[str, ...], counted: NDArray[np.bool_]
) -> Scores:
    """The means of `per_query` [Q] over the queries marked in `counted` [Q], in the order of `metrics`.

    Sums are exact: the order of the queries changes no digit.
    """
    known = {name: np.where(counted, per_query[name], np.nan) for name in metrics if name in per_query}
    count = int(counted.sum())
    means = {name: math.fsum(known[name][counted]) / count if name in known and count else None for name in metrics}
    return Scores(known, means, count)


def cutoff(metric: str) -> int:
    """How deep a metric looks: 10 for MRR@10."""
    return int(metric.partition("@")[2])


def within(metrics: tuple[str, ...], depth: int, passages: int) -> tuple[str, ...]:
    """The metrics that a run of `depth` ranks over `passages` passages determines.

    R@1000 of a run that stops at rank 100 would be R@100 under another name. The same holds for MRR and nDCG.
    """
    return tuple(name for name in metrics if cutoff(name) <= depth or depth >= passages)
