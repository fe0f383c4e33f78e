"""Pseudo labels where a teacher is sure (Ren et al., PAIR, Findings of ACL 2021, section 3.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import SettingError
from ..settings import component, setting

BINS = 10  # of the histogram of scores, from 0 to 1


@component
class Thresholds:
    """A passage scored above the first is a positive, below the second a negative, in between neither."""

    positive_above: float = setting(0.9, "a passage scored higher is a pseudo positive", ge=0, le=1)
    negative_below: float = setting(0.1, "a passage scored lower is a pseudo negative", ge=0, le=1)

    def __post_init__(self) -> None:
        if self.negative_below > self.positive_above:
            expected = f"at most positive_above={self.positive_above:g}"
            raise SettingError("negative_below", self.negative_below, expected, "the paper has 0.1 and 0.9")


@dataclass(frozen=True)
class PseudoLabels:
    """Positives and negatives of Q queries, best first, and the histogram [BINS] of all their scores."""

    positives: Ragged
    negatives: Ragged
    histogram: NDArray[np.int64]

    def counts(self) -> dict[str, Any]:
        """The figures of a log line or a result row."""
        return {
            "questions": len(self.positives),
            "scored": int(self.histogram.sum()),
            "positives": len(self.positives.values),
            "negatives": len(self.negatives.values),
            "without_positive": int((self.positives.lengths == 0).sum()),
            "histogram": self.histogram.tolist(),
        }


def by_thresholds(
    ids: NDArray[np.int64], scores: NDArray[np.float32], spared: Ragged, thresholds: Thresholds
) -> PseudoLabels:
    """Label the ranked passages `ids` [Q, k] (-1: none) by their `scores` [Q, k] from 0 to 1.

    spared: the passages that are never negatives of each query, its known positives among them. A query without a
    passage above the upper threshold has no positive. Raises LabradorError, with the histogram, when there is no
    positive or no negative at all.
    """
    there = ids >= 0
    size = int(max(ids.max(initial=0), spared.values.max(initial=0))) + 1
    rows = np.repeat(np.arange(len(ids)), ids.shape[1]).reshape(ids.shape)
    known = np.isin(rows * size + ids, np.repeat(np.arange(len(spared)), spared.lengths) * size + spared.values)
    positive = there & (scores > thresholds.positive_above)
    negative = there & (scores < thresholds.negative_below) & ~positive & ~known
    histogram = np.histogram(scores[there], bins=BINS, range=(0, 1))[0].astype(np.int64)
    for kind, found in (("positive_above", positive), ("negative_below", negative)):
        if not found.any():
            side, move = ("above", "lower") if kind == "positive_above" else ("below", "raise")
            counts = ", ".join(f"{count:,}" for count in histogram)
            expected = f"at least one passage of {len(ids):,} queries scored {side} it, but there is none"
            remedy = f"{move} it, or use a better teacher (scores in tenths from 0: {counts})"
            raise SettingError(kind, getattr(thresholds, kind), expected, remedy, "retriever")
    return PseudoLabels(_lists(rows, ids, positive), _lists(rows, ids, negative), histogram)


def _lists(rows: NDArray[np.int64], ids: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Ragged:
    return Ragged.from_pairs(rows[chosen], ids[chosen], len(ids))
