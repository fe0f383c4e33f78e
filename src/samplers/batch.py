"""The passages of a batch of examples: each once, and which of them are positives of which query."""

import numpy as np

from ..data.ragged import Ragged
from .base import Example


def distinct_passages(examples: list[Example]) -> tuple[np.ndarray, np.ndarray]:
    """Passage rows [P] of the examples without repeats, positives first, and the place [B] of each positive in them."""
    places: dict[int, int] = {}
    for example in examples:
        places.setdefault(example.positive, len(places))
    positives = np.array([places[example.positive] for example in examples], dtype=np.int64)
    for example in examples:
        for negative in example.negatives:
            places.setdefault(negative, len(places))
    return np.fromiter(places, np.int64, len(places)), positives


def other_positives(queries: np.ndarray, positives: np.ndarray, passages: np.ndarray, judged: Ragged) -> np.ndarray:
    """Which of the passages [P] are positives of the query besides the one at `positives` [B]: bool [B, P]."""
    masked = np.zeros((len(queries), len(passages)), dtype=np.bool_)
    for row, query in enumerate(queries):
        masked[row] = np.isin(passages, judged[query])
    masked[np.arange(len(queries)), positives] = False
    return masked
