"""The passages of a batch of examples: each once, what it is there for, and of which queries it is a positive."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from .base import Example

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]


class Parts(NamedTuple):
    """What the passages [P] of a batch are there for, bool [P] each; one can be there for several.

    positive: as the positive of a query; drawn: as one of the hard negatives of a query; lexical: as one of those of
    the second kind (`Example.lexical`).
    """

    positive: Marks
    drawn: Marks
    lexical: Marks


def distinct_passages(examples: list[Example]) -> tuple[Rows, Rows]:
    """Passage rows [P] of the examples without repeats, positives first, and the place [B] of each positive in them."""
    places: dict[int, int] = {}
    for example in examples:
        places.setdefault(example.positive, len(places))
    positives = np.array([places[example.positive] for example in examples], dtype=np.int64)
    for example in examples:
        for negative in (*example.negatives, *example.lexical):
            places.setdefault(negative, len(places))
    return np.fromiter(places, np.int64, len(places)), positives


def parts_of(examples: list[Example], passages: Rows) -> Parts:
    """What each of the passages [P] of the examples is there for."""
    positives = [example.positive for example in examples]
    drawn = [row for example in examples for row in example.negatives]
    lexical = [row for example in examples for row in example.lexical]
    return Parts(*(np.isin(passages, np.array(rows, dtype=np.int64)) for rows in (positives, drawn, lexical)))


def other_positives(queries: Rows, positives: Rows, passages: Rows, judged: Ragged) -> Marks:
    """Which of the passages [P] are positives of the query besides the one at `positives` [B]: bool [B, P]."""
    masked = _positives_among(queries, passages, judged)
    masked[np.arange(len(queries)), positives] = False
    return masked


def other_queries(queries: Rows, own: Rows, positives: Rows, judged: Ragged) -> Marks:
    """Which of the queries [N] have a query's positive as one of theirs besides the query itself: bool [B, N].

    own [B]: the place of each query in `queries`; positives [B]: the passage row of its positive.
    """
    distinct, places = np.unique(positives, return_inverse=True)
    shared = _positives_among(queries, distinct, judged)[:, places].T.copy()
    shared[np.arange(len(own)), own] = False
    return shared


def _positives_among(queries: Rows, passages: Rows, judged: Ragged) -> Marks:
    """Which of the distinct passages [P] are positives of each query [B]: bool [B, P]."""
    found = np.zeros((len(queries), len(passages)), dtype=np.bool_)
    if not len(passages):
        return found
    lists, order = judged.take(queries), np.argsort(passages)
    places = order[np.minimum(np.searchsorted(passages, lists.values, sorter=order), len(passages) - 1)]
    there = passages[places] == lists.values
    found[np.repeat(np.arange(len(queries)), lists.lengths)[there], places[there]] = True
    return found
