"""The passages of a batch: each once, with its roles and the queries whose positive it is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from .base import Example

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]


class PassageRoles(NamedTuple):
    """The roles of the passages of a batch, bool [P] each; a passage can have several.

    positive: the positive of a query; drawn: a hard negative of a query; lexical: one of `Example.lexical`.
    """

    positive: Marks
    drawn: Marks
    lexical: Marks


def distinct_passages(examples: list[Example]) -> tuple[Rows, Rows]:
    """The distinct passages [P] of the examples, positives first, and the index [B] of each positive in them."""
    places: dict[int, int] = {}
    for example in examples:
        places.setdefault(example.positive, len(places))
    positives = np.array([places[example.positive] for example in examples], dtype=np.int64)
    for example in examples:
        for negative in (*example.negatives, *example.lexical):
            places.setdefault(negative, len(places))
    return np.fromiter(places, np.int64, len(places)), positives


def roles_of(examples: list[Example], passages: Rows) -> PassageRoles:
    """The roles of the passages [P] of the examples."""
    positives = [example.positive for example in examples]
    drawn = [row for example in examples for row in example.negatives]
    lexical = [row for example in examples for row in example.lexical]
    return PassageRoles(*(np.isin(passages, np.array(rows, dtype=np.int64)) for rows in (positives, drawn, lexical)))


def other_positives(queries: Rows, positives: Rows, passages: Rows, judged: Ragged) -> Marks:
    """Which passages [P] are positives of each query, except the one at index `positives` [B]: bool [B, P]."""
    masked = _positives_among(queries, passages, judged)
    masked[np.arange(len(queries)), positives] = False
    return masked


def other_queries(queries: Rows, own: Rows, positives: Rows, judged: Ragged) -> Marks:
    """Which of the queries [N] share the positive of each query, except the query itself: bool [B, N].

    own [B]: the index of each query in `queries`; positives [B]: its positive.
    """
    distinct, places = np.unique(positives, return_inverse=True)
    shared = _positives_among(queries, distinct, judged)[:, places].T.copy()
    shared[np.arange(len(own)), own] = False
    return shared


def _positives_among(queries: Rows, passages: Rows, judged: Ragged) -> Marks:
    """Which distinct passages [P] are positives of each query [B]: bool [B, P]."""
    found = np.zeros((len(queries), len(passages)), dtype=np.bool_)
    if not len(passages):
        return found
    lists, order = judged.take(queries), np.argsort(passages)
    places = order[np.minimum(np.searchsorted(passages, lists.values, sorter=order), len(passages) - 1)]
    there = passages[places] == lists.values
    found[np.repeat(np.arange(len(queries)), lists.lengths)[there], places[there]] = True
    return found
