"""Exact inner product over vectors that stay on disk."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adc import over
from .base import Hits
from .streamed import StreamedIndex
from .ties import Found, Scanned, exact_top, merged

FEW = 16  # queries for which reading float16 as it is costs less than converting a block to float32
MORE = 64  # passages of a block beyond k that are looked at where products are rounded as it happens
ROUNDING = float(np.finfo(np.float32).eps)  # of a sum, relative to its terms and for each of them


class FlatIndex(StreamedIndex):
    """Scans stored vectors, float32 or float16 [N, D].

    The kernel keeps as much of a memory map in memory as there is room for. Of float16 vectors one block at a time is
    converted for a batch of queries, and none for a few.

    Equal vectors score the same. A matrix product of many queries, which takes a sixth of the time, rounds by where in
    the matrix a vector lies: it finds the candidates of a block, and these are scored one by one. Where the error of
    its sums could hide a passage, the query is searched without it.
    """

    def __init__(self, dimension: int, dtype: np.dtype[np.floating], ties_from: int = 0) -> None:
        super().__init__(dimension, dimension * dtype.itemsize, ties_from)
        self.dtype = dtype

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        import faiss

        if queries.size < faiss.cvar.distance_compute_blas_threshold:
            return super()._top(queries, k)
        best = _Best(queries)
        for first, codes in self._blocks():
            best.look_through(codes.view(self.dtype).astype(np.float32, copy=False), first, k)
        hits, doubtful = best.hits, np.flatnonzero(best.hidden >= best.hits.scores[:, -1])
        if len(doubtful):
            sure = super()._top(queries[doubtful], k)
            hits.ids[doubtful], hits.scores[doubtful] = sure.ids, sure.scores
        return hits

    def _scan(self, queries: NDArray[np.float32], block: NDArray[np.uint8], k: int) -> Hits:
        if self.dtype == np.float16 and len(queries) <= FEW:
            index = half_precision(block, self.dimension)

            def part_of_half(some: NDArray[np.float32], start: int, stop: int) -> Found:
                scores, ids = half_precision(block[start:stop], self.dimension).search(some, stop - start)
                return scores, ids + start

            return exact_top(Scanned(index.search, part_of_half, len(block)), queries, k)
        vectors = block.view(self.dtype).astype(np.float32, copy=False)

        def part(some: NDArray[np.float32], start: int, stop: int) -> Found:
            scores, ids = one_by_one(some, vectors[start:stop], stop - start)
            return scores, ids + start

        scanned = Scanned(lambda some, n: one_by_one(some, vectors, n), part, len(block))
        return exact_top(scanned, queries, k)


@dataclass
class _Best:
    """The k best of the blocks looked at so far, and what may be hidden: the highest score of a passage of a block that
    was not among its candidates, [Q].
    """

    queries: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.hits = Hits(np.empty((len(self.queries), 0), np.int64), np.empty((len(self.queries), 0), np.float32))
        self.hidden = np.full(len(self.queries), -np.inf)
        self._norms = np.linalg.norm(self.queries, axis=1)

    def look_through(self, vectors: NDArray[np.float32], first: int, k: int) -> None:
        """Take in a block of vectors [n, D], which starts at row `first`."""
        import faiss

        fetch = min(k + MORE, len(vectors))
        rounded, ids = faiss.knn(self.queries, vectors, fetch, metric=faiss.METRIC_INNER_PRODUCT)
        longest = float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors).max()))
        error = self.queries.shape[1] * ROUNDING * longest * self._norms  # both ways of summing are half of it off
        if fetch < len(vectors):
            self.hidden = np.maximum(self.hidden, rounded[:, -1] + error)
        if self.hits.ids.shape[1] == k:
            worst = self.hits.scores[:, -1] - error
            fetch = int((rounded >= worst[:, None]).sum(axis=1).max())
        ids = np.sort(ids[:, :fetch], axis=1)
        found = Hits(ids + first, scored(self.queries, vectors, ids))
        self.hits = merged(self.hits, found, k)


def scored(queries: NDArray[np.float32], vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """The inner products [Q, n] of queries with the vectors in rows ids [Q, n], each summed in the same order."""
    import faiss

    scores, ids = np.empty(ids.shape, dtype=np.float32), np.ascontiguousarray(ids)
    pointers = [faiss.swig_ptr(array) for array in (scores, queries, vectors, ids)]
    library: Any = faiss  # whose stubs lack the function
    library.fvec_inner_products_by_idx(*pointers, queries.shape[1], *ids.shape)
    return scores


def one_by_one(queries: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> Found:
    """The k best of vectors [n, D] for each query, by products that are each summed in the same order."""
    import faiss

    together = max(1, (faiss.cvar.distance_compute_blas_threshold - 1) // queries.shape[1])
    found = [
        faiss.knn(queries[start : start + together], vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
        for start in range(0, len(queries), together)
    ]
    scores, ids = zip(*found, strict=True)
    return np.concatenate(scores), np.concatenate(ids)


def half_precision(block: NDArray[np.uint8], dimension: int) -> Any:
    """A faiss index over the float16 vectors `block` [n, 2 D] where they lie; `block` must outlive it."""
    import faiss

    empty = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return over(empty, block)
