"""Candidates from the codes, ranked again by a better score (BPR, section 4.3; BiDR, section 3.4)."""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape, check_values
from ..machine.threads import for_queries
from .base import Hits, Index, VectorIndex
from .rerank import Score
from .ties import by_score, without_own

Own = NDArray[np.int64] | None
QUERIES = 64  # reranked together: the rows of their candidates are read once


class TwoStageIndex(Index):
    """Takes the `candidates` best of `first` and ranks them by `score`.

    Gives exactly what ranking all of these candidates by `score` gives, equal scores in the order of ties of `first`.

    `verifier` is the dimension D' of the query vectors that `score` takes, where these come from another encoder than
    those of `first` (BiDR): queries are then float32 [Q, D + D'], both vectors of a query one after the other.
    """

    def __init__(self, first: VectorIndex, score: Score, candidates: int, verifier: int | None = None) -> None:
        self.first = first
        self.score = score
        self.candidates = candidates
        self.verifier = verifier

    @property
    def ties_from(self) -> int:
        """The row that equal scores go to first, in both stages."""
        return self.first.ties_from

    @ties_from.setter
    def ties_from(self, row: int) -> None:
        self.first.ties_from = row

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages."""
        self.first.add(codes)

    def search(self, queries: NDArray[np.float32], k: int, own: Own = None) -> Hits:
        """The k best of each query float32 [Q, D], or [Q, D + D']; k beyond the candidates is cut to them.

        `own`: a passage that is no candidate of each query, int64 [Q] (-1: none). The stages of the hits are
        "candidates" and "rerank". Raises LabradorError on queries of another width, and on vectors that are NaN,
        infinite or zero.
        """
        return self.search_both(queries, k, own)[1]

    def search_both(self, queries: NDArray[np.float32], k: int, own: Own = None) -> tuple[Hits, Hits]:
        """All candidates as the first stage ranks them, and what `search` returns."""
        start = perf_counter()
        sparse, dense = self._split(queries)
        k = min(self.first.cut(k), self.candidates)
        more = 0 if own is None else 1
        found = self.first.search(sparse, min(self.candidates + more, self.first.size))
        if own is not None and found.ids.shape[1] > self.candidates:
            found = without_own(found, own, self.candidates)
        middle = perf_counter()
        hits = self.rerank(np.ascontiguousarray(dense, dtype=np.float32), found.ids, min(k + more, found.ids.shape[1]))
        if own is not None:  # where all passages are candidates it is still among them
            hits = without_own(hits, own, k)
        stages = {"candidates": 1000 * (middle - start), "rerank": 1000 * (perf_counter() - middle)}
        return found, Hits(hits.ids, hits.scores, stages)

    def _split(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The query vectors of the first stage, which checks them, and those of the second."""
        if self.verifier is None:
            return queries, queries
        check_shape(queries, self.first.dimension + self.verifier, "queries")
        dense = queries[:, self.first.dimension :]
        check_values(dense, "query")
        return queries[:, : self.first.dimension], dense

    def rerank(self, queries: NDArray[np.float32], candidates: NDArray[np.int64], k: int) -> Hits:
        """The k best of `candidates` int64 [Q, C], distinct passage rows, for the queries that `score` takes."""
        best = Hits(np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32))
        for start in range(0, len(queries), QUERIES):
            part = slice(start, start + QUERIES)
            places = np.sort((candidates[part] - self.ties_from) % self.first.size, axis=1)
            ids = (places + self.ties_from) % self.first.size
            with for_queries(len(ids)):
                scores = self.score(queries[part], ids)
            hits = by_score(ids, scores, k)
            best.ids[part], best.scores[part] = hits.ids, hits.scores
        return best
