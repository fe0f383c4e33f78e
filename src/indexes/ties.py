"""The rule for equal scores: which passage ranks first, and which ones are kept where many share the k-th score.

Passages are stored in the order of a seeded hash of their ids (data/passage_ids.py). In the order of ties passage
`ties_from` comes first, then those behind it, then passage 0 and so on: each seed of a run starts at another passage.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .base import Floats, Hits, Ints

Found = tuple[Floats, Ints]
Scan = Callable[[Floats, int], Found]  # queries, n -> scores and passages [Q, n], any n that no other passage beats
Part = Callable[[Floats, int, int], Found]  # queries, start, stop -> scores and passages [Q, stop - start] of a range
WIDEN = 4  # how much deeper a query is scanned again that may share its k-th score with passages not fetched
TOGETHER = 1 << 19  # scores searched at a time for passages with the k-th score
PART = 4096  # passages scored at a time for it


def tie_start(seed: int, passages: int) -> int:
    """The passage of N = `passages` that comes first in the order of ties of a run with that seed."""
    digest = hashlib.blake2b(f"{seed} {passages}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % passages


def ordered(ids: Ints, scores: Floats, size: int, ties_from: int = 0) -> Hits:
    """Rankings ids, scores [Q, k] of `size` passages, sorted by score, with equal scores in the order of ties."""
    tied = np.flatnonzero((scores[:, 1:] == scores[:, :-1]).any(axis=1))
    if len(tied):
        order = np.lexsort(((ids[tied] - ties_from) % size, -scores[tied]), axis=-1)
        ids[tied] = np.take_along_axis(ids[tied], order, axis=1)
        scores[tied] = np.take_along_axis(scores[tied], order, axis=1)
    return Hits(ids, scores)


def by_score(ids: Ints, scores: Floats, k: int) -> Hits:
    """The k best of each query's ids, scores [Q, n], whose ids are in the order of ties."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Hits(np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1))


def merged(first: Hits, second: Hits, k: int) -> Hits:
    """The k best of two rankings of the same queries; `first` holds passages earlier in the order of ties.

    A stable sort of the two sorted rankings is a merge that keeps equal scores in their order.
    """
    return by_score(np.hstack([first.ids, second.ids]), np.hstack([first.scores, second.scores]), k)


@dataclass(frozen=True)
class Scanned:
    """A search of `size` passages without a rule for ties.

    `scan` finds the best, `deepest` at most (None: all), and any of several equal ones; `part` scores a whole range.
    """

    scan: Scan
    part: Part
    size: int
    deepest: int | None = None


def exact_top(passages: Scanned, queries: Floats, k: int, ties_from: int = 0) -> Hits:
    """The k best passages; of those with the k-th score the first in the order of ties.

    One passage more than k is fetched: where it scores below the k-th, the ranking is complete. The other queries are
    scanned again, `WIDEN` times as deep. Where still more passages share the k-th score, all that score higher are
    known, and the missing ones are found by scoring ranges of passages in the order of ties until there are enough.
    So memory grows with k, not with the number of equal scores. It costs a few percent of faiss's own scan
    (benchmarks/quantizers.py).
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


def _fill(passages: Scanned, queries: Floats, best: Hits, rows: Ints, ties_from: int) -> None:
    """In the rankings `rows` of `best`, replace the passages with the last score by the first in the order of ties."""
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
            fetched = best.ids[row, -count:]  # some of them are kept where `part` rounds differently from `scan`
            kept = own[:count] + [other for other in fetched.tolist() if other not in own][: max(0, count - len(own))]
            fetched[:] = sorted(kept, key=lambda other: (other - ties_from) % passages.size)


def parts(size: int, ties_from: int, rows: int) -> Iterator[tuple[int, int]]:
    """Ranges (start, stop) of at most `rows` passages that cover all of `size` in the order of ties."""
    for begin, end in ((ties_from, size), (0, ties_from)):
        for start in range(begin, end, rows):
            yield start, min(start + rows, end)
