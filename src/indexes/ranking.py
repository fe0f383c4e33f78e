"""The order of a ranking: by score, equal scores by lower passage row, also where the k-th place is shared."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .base import Hits

Scan = Callable[[NDArray[np.float32], int], tuple[NDArray[np.float32], NDArray[np.int64]]]
WIDEN = 4  # how much deeper a query is scanned again whose k-th place is shared beyond what was fetched


def ordered(ids: NDArray[np.int64], scores: NDArray[np.float32]) -> Hits:
    """Rankings ids, scores [Q, k], each by falling score, with equal scores put in order of passage rows."""
    tied = np.flatnonzero((scores[:, 1:] == scores[:, :-1]).any(axis=1))
    if len(tied):
        order = np.lexsort((ids[tied], -scores[tied]), axis=-1)
        ids[tied] = np.take_along_axis(ids[tied], order, axis=1)
        scores[tied] = np.take_along_axis(scores[tied], order, axis=1)
    return Hits(ids, scores)


def by_score(ids: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Hits:
    """The k best of each row of ids, scores [Q, n], where every row's ids rise."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Hits(np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1))


def merged(first: Hits, second: Hits, k: int) -> Hits:
    """The k best of two rankings of the same queries, every passage of `first` in a lower row than any of `second`.

    A stable sort of the two sorted runs is a merge, and leaves equal scores in the order of their rows.
    """
    return by_score(np.hstack([first.ids, second.ids]), np.hstack([first.scores, second.scores]), k)


def without_own(hits: Hits, own: NDArray[np.int64], k: int) -> Hits:
    """The first k of the hits [Q, k or k + 1] besides each query's own passage, int64 [Q] (-1: none).

    Where no further passage is left, id -1 and score -inf stand at the end.
    """
    found = (hits.ids == own[:, None]) & (own[:, None] >= 0)
    order = np.argsort(found, axis=1, kind="stable")[:, :k]
    ids, scores = np.where(found, -1, hits.ids), np.where(found, np.float32(-np.inf), hits.scores)
    return Hits(np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1), hits.stages)


def exact_top(scan: Scan, queries: NDArray[np.float32], k: int, size: int) -> Hits:
    """The k best of `size` passages by `scan`, with the lowest rows of those that share the k-th score.

    `scan(queries, n)` gives the scores float32 and rows int64, [Q, n], of n passages that no other passage beats;
    which of several equal ones it gives is left to it. One passage more than k is fetched: where it scores below the
    k-th, nothing was cut through; the other queries are scanned again, deeper.
    """
    fetch = min(k + 1, size)
    scores, ids = scan(queries, fetch)
    hits = ordered(ids, scores)
    best = Hits(np.ascontiguousarray(hits.ids[:, :k]), np.ascontiguousarray(hits.scores[:, :k]))
    rows = np.arange(len(queries))
    while fetch < size:
        rows = rows[hits.scores[:, k - 1] == hits.scores[:, -1]]
        if not len(rows):
            break
        fetch = min(WIDEN * fetch, size)
        scores, ids = scan(queries[rows], fetch)
        hits = ordered(ids, scores)
        best.ids[rows], best.scores[rows] = hits.ids[:, :k], hits.scores[:, :k]
    return best
