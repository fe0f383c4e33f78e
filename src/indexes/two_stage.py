"""Candidates from the codes, ranked again by a better score (BPR, section 4.3; BiDR, section 3.4)."""

import numpy as np
from numpy.typing import NDArray

from ..quantizers.threads import for_queries
from .base import Hits, Index, VectorIndex
from .ranking import by_score
from .rerank import Score

QUERIES = 64  # reranked together: the rows of their candidates are read once


class TwoStageIndex(Index):
    """Takes the `candidates` best of `first` and ranks them by `score`.

    Gives exactly what ranking all of these candidates by `score` gives, equal scores by lower row.
    """

    def __init__(self, first: VectorIndex, score: Score, candidates: int) -> None:
        self.first = first
        self.score = score
        self.candidates = candidates

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages."""
        self.first.add(codes)

    def search(self, queries: NDArray[np.float32], k: int) -> Hits:
        """The k best of each query float32 [Q, D]; k beyond the candidates, or the passages, is cut to them."""
        k = min(self.first.cut(k), self.candidates)
        found = self.first.search(queries, min(self.candidates, self.first.size))
        return self.rerank(np.ascontiguousarray(queries, dtype=np.float32), found.ids, k)

    def rerank(self, queries: NDArray[np.float32], candidates: NDArray[np.int64], k: int) -> Hits:
        """The k best of `candidates` int64 [Q, C], distinct passage rows, for queries float32 [Q, D]."""
        best = Hits(np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32))
        for start in range(0, len(queries), QUERIES):
            part = slice(start, start + QUERIES)
            ids = np.sort(candidates[part], axis=1)
            with for_queries(len(ids)):
                scores = self.score(queries[part], ids)
            hits = by_score(ids, scores, k)
            best.ids[part], best.scores[part] = hits.ids, hits.scores
        return best
