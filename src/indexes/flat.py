"""Exact inner product over vectors that stay on disk."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantizers.flat import FlatCodec
from .adc import over
from .base import Floats, Hits, Ints
from .streamed import StreamedIndex
from .ties import Found, Scanned, exact_top, merged

FEW = 16  # queries for which reading float16 as it is costs less than converting a block to float32
MORE = 64  # candidates of a block beyond k, since the products that choose them are rounded by position
ROUNDING = float(np.finfo(np.float32).eps)  # relative error of a sum for each of its terms


class FlatIndex(StreamedIndex):
    """Scans stored vectors, float32 or float16 [N, D].

    The kernel keeps as much of a memory map in memory as fits. float16 vectors are converted block by block for a batch
    of queries, and not at all for a few.

    Equal vectors score the same. A matrix product for many queries takes a sixth of the time, but rounds differently
    depending on a vector's position in the matrix: it only chooses the candidates of a block, which are then scored one
    by one. Where its rounding error could hide a passage, the query is searched without it.
    """

    def __init__(self, fitted: FlatCodec, ties_from: int = 0) -> None:
        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self.dtype = fitted.dtype

    def _top(self, queries: Floats, k: int) -> Hits:
        import faiss

        if queries.size < faiss.cvar.distance_compute_blas_threshold:
            return super()._top(queries, k)
        best = _Best(queries)
        for first, codes in self._blocks():
            best.search(codes.view(self.dtype).astype(np.float32, copy=False), first, k)
        hits, unsure = best.hits, np.flatnonzero(best.hidden >= best.hits.scores[:, -1])
        if len(unsure):
            sure = super()._top(queries[unsure], k)
            hits.ids[unsure], hits.scores[unsure] = sure.ids, sure.scores
        return hits

    def _scan(self, queries: Floats, block: NDArray[np.uint8], k: int) -> Hits:
        if self.dtype == np.float16 and len(queries) <= FEW:
            index = half_precision(block, self.dimension)

            def part_of_half(some: Floats, start: int, stop: int) -> Found:
                scores, ids = half_precision(block[start:stop], self.dimension).search(some, stop - start)
                return scores, ids + start

            return exact_top(Scanned(index.search, part_of_half, len(block)), queries, k)
        vectors = block.view(self.dtype).astype(np.float32, copy=False)

        def part(some: Floats, start: int, stop: int) -> Found:
            scores, ids = one_by_one(some, vectors[start:stop], stop - start)
            return scores, ids + start

        scanned = Scanned(lambda some, n: one_by_one(some, vectors, n), part, len(block))
        return exact_top(scanned, queries, k)


@dataclass
class _Best:
    """The k best of the blocks searched so far; hidden [Q]: the highest score that a passage may have which was not
    among the candidates of its block.
    """

    queries: Floats

    def __post_init__(self) -> None:
        self.hits = Hits(np.empty((len(self.queries), 0), np.int64), np.empty((len(self.queries), 0), np.float32))
        self.hidden = np.full(len(self.queries), -np.inf)
        self._norms = np.linalg.norm(self.queries, axis=1)

    def search(self, vectors: Floats, first: int, k: int) -> None:
        """Search the block of vectors [n, D] that starts at passage `first`."""
        import faiss

        fetch = min(k + MORE, len(vectors))
        rounded, ids = faiss.knn(self.queries, vectors, fetch, metric=faiss.METRIC_INNER_PRODUCT)
        longest = float(np.sqrt(np.einsum("nd,nd->n", vectors, vectors).max()))
        error = self.queries.shape[1] * ROUNDING * longest * self._norms  # each way of summing is off by half of it
        if fetch < len(vectors):
            self.hidden = np.maximum(self.hidden, rounded[:, -1] + error)
        if self.hits.ids.shape[1] == k:
            worst = self.hits.scores[:, -1] - error
            fetch = int((rounded >= worst[:, None]).sum(axis=1).max())
        ids = np.sort(ids[:, :fetch], axis=1)
        found = Hits(ids + first, scored(self.queries, vectors, ids))
        self.hits = merged(self.hits, found, k)


def scored(queries: Floats, vectors: Floats, ids: Ints) -> Floats:
    """The inner products [Q, n] of queries with the vectors of passages ids [Q, n], each summed in the same order."""
    import faiss

    scores, ids = np.empty(ids.shape, dtype=np.float32), np.ascontiguousarray(ids)
    pointers = [faiss.swig_ptr(array) for array in (scores, queries, vectors, ids)]
    library: Any = faiss  # the stubs lack the function
    library.fvec_inner_products_by_idx(*pointers, queries.shape[1], *ids.shape)
    return scores


def one_by_one(queries: Floats, vectors: Floats, k: int) -> Found:
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
    """A faiss index over the float16 vectors `block` [n, 2 D], without a copy; `block` must outlive it."""
    import faiss

    empty = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return over(empty, block)
