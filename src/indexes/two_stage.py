"""Candidates from the codes, ranked again by a better score (BPR, section 4.3; BiDR, section 3.4)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantizers.base import Codes, FittedQuantizer
from ..quantizers.threads import for_queries
from .base import Hits, Index, VectorIndex
from .ranking import by_score

Rows = Callable[[NDArray[np.int64]], NDArray[np.floating]]  # rising passage rows [n] -> their vectors [n, D]
Score = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]  # queries, rows [Q, C] -> [Q, C]
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


def inner_product(vectors: Rows) -> Score:
    """The score <query, vectors(row)>; every row is summed in the same order, so equal vectors score the same."""

    def score(queries: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        import faiss

        rows, places = (ids[0], np.arange(ids.shape[1])) if len(ids) == 1 else np.unique(ids, return_inverse=True)
        read = np.ascontiguousarray(vectors(rows), dtype=np.float32)
        places = np.ascontiguousarray(places.reshape(ids.shape), dtype=np.int64)
        scores = np.empty(ids.shape, dtype=np.float32)
        pointers = [faiss.swig_ptr(array) for array in (scores, queries, read, places)]
        library: Any = faiss  # whose stubs lack the function
        library.fvec_inner_products_by_idx(*pointers, queries.shape[1], *ids.shape)
        return scores

    return score


def code_product(fitted: FittedQuantizer, codes: Codes) -> Score:
    """The score <query, decode(code)>: the queries are turned into the codes' space, not the codes out of it."""
    unpacked = inner_product(lambda rows: fitted.unpack(codes[rows]))
    return lambda queries, ids: unpacked(fitted.project(queries), ids)
