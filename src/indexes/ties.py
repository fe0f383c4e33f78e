"""The order of a ranking: by score, equal scores in the order of ties, also where the k-th place is shared.

Passages lie in the order of a seeded hash of their ids (data/passage_ids.py). Equal scores go to the lowest row from an
index's `ties_from` on, and behind the last row on to row 0: for each seed of a run another passage is the first.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import Hits

Queries = NDArray[np.float32]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]
Scan = Callable[[Queries, int], Found]  # queries, n -> scores and rows [Q, n] of n passages that no other beats
Part = Callable[[Queries, int, int], Found]  # queries, start, stop -> scores and rows [Q, stop - start] of these rows
WIDEN = 4  # how much deeper a query is scanned again whose k-th place is shared beyond what was fetched
TOGETHER = 1 << 19  # scores that are looked through at a time for passages that share the k-th place
PART = 4096  # rows of these


def tie_start(seed: int, passages: int) -> int:
    """The row that equal scores go to first in a run with that seed over N = `passages`."""
    digest = hashlib.blake2b(f"{seed} {passages}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % passages


def ordered(ids: NDArray[np.int64], scores: NDArray[np.float32], size: int, ties_from: int = 0) -> Hits:
    """Rankings ids, scores [Q, k] of `size` passages, each by falling score, with equal scores in the order of ties."""
    tied = np.flatnonzero((scores[:, 1:] == scores[:, :-1]).any(axis=1))
    if len(tied):
        order = np.lexsort(((ids[tied] - ties_from) % size, -scores[tied]), axis=-1)
        ids[tied] = np.take_along_axis(ids[tied], order, axis=1)
        scores[tied] = np.take_along_axis(scores[tied], order, axis=1)
    return Hits(ids, scores)


def by_score(ids: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Hits:
    """The k best of each row of ids, scores [Q, n], where every row's ids are in the order of ties."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Hits(np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1))


def merged(first: Hits, second: Hits, k: int) -> Hits:
    """The k best of two rankings of the same queries, every passage of `first` before any of `second` in a tie.

    A stable sort of the two sorted runs is a merge, and leaves equal scores in their order.
    """
    return by_score(np.hstack([first.ids, second.ids]), np.hstack([first.scores, second.scores]), k)


@dataclass(frozen=True)
class Scanned:
    """`size` passages: `scan` gives those that score best, `deepest` at most (None: all) and any of several equal ones;
    `part` gives every score of some rows.
    """

    scan: Scan
    part: Part
    size: int
    deepest: int | None = None


def exact_top(passages: Scanned, queries: Queries, k: int, ties_from: int = 0) -> Hits:
    """The k best of the passages, with the first in the order of ties of those that share the k-th score.

    One passage more than k is fetched: where it scores below the k-th, nothing was cut through. The other queries are
    scanned again, `WIDEN` times as deep; those whose k-th score is shared by still more passages know all that score
    higher, and find the others by looking through the rows in the order of ties, part by part, as far as need be. So
    memory grows with k, not with the passages that score the same.
    """
    size = passages.size
    deepest = min(size, passages.deepest or size)
    fetch = min(k + 1, deepest)
    scores, ids = passages.scan(queries, fetch)
    hits = ordered(ids, scores, size, ties_from)
    best = Hits(np.ascontiguousarray(hits.ids[:, :k]), np.ascontiguousarray(hits.scores[:, :k]))
    rows = np.arange(len(queries))
    if fetch < size:
        rows = rows[hits.scores[:, k - 1] == hits.scores[:, -1]]
    if fetch == size or not len(rows):
        return best
    fetch = min(WIDEN * fetch, deepest)
    scores, ids = passages.scan(queries[rows], fetch)
    hits = ordered(ids, scores, size, ties_from)
    best.ids[rows], best.scores[rows] = hits.ids[:, :k], hits.scores[:, :k]
    if fetch < size:
        rows = rows[hits.scores[:, k - 1] == hits.scores[:, -1]]
        _fill(passages, queries, best, rows, ties_from)
    return best


def _fill(passages: Scanned, queries: Queries, best: Hits, rows: NDArray[np.int64], ties_from: int) -> None:
    """Put the first passages in the order of ties where the rankings `rows` of `best` have some of many equal ones."""
    together = max(1, TOGETHER // PART)
    for first in range(0, len(rows), together):
        some = rows[first : first + together]
        last = best.scores[some, -1]
        missing = (best.scores[some] == last[:, None]).sum(axis=1)
        found: list[list[int]] = [[] for _ in some]
        for start, stop in parts(passages.size, ties_from, PART):
            lacking = np.flatnonzero([len(own) < count for own, count in zip(found, missing, strict=True)])
            if not len(lacking):
                break
            scores, ids = passages.part(queries[some[lacking]], start, stop)
            for place, own_scores, own_ids in zip(lacking.tolist(), scores, ids, strict=True):
                found[place] += np.sort(own_ids[own_scores == last[place]]).tolist()
        for row, own, count in zip(some.tolist(), found, missing.tolist(), strict=True):
            fetched = best.ids[row, -count:]  # of which there are some where `part` rounds otherwise than `scan`
            kept = own[:count] + [other for other in fetched.tolist() if other not in own][: max(0, count - len(own))]
            fetched[:] = sorted(kept, key=lambda other: (other - ties_from) % passages.size)


def parts(size: int, ties_from: int, rows: int) -> Iterator[tuple[int, int]]:
    """First and last row, exclusive, of at most `rows` neighbours at a time: all of `size`, in the order of ties."""
    for begin, end in ((ties_from, size), (0, ties_from)):
        for start in range(begin, end, rows):
            yield start, min(start + rows, end)
