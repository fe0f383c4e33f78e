"""Exact inner product over vectors that stay on disk."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantizers.vectors import block_rows
from .base import Hits, VectorIndex
from .ranking import exact_top, merged

FEW = 16  # queries for which reading float16 as it is costs less than converting a block to float32


class FlatIndex(VectorIndex):
    """Streams stored vectors, float32 or float16 [N, D], block by block, once for a whole batch of queries.

    Added memory maps are searched where they lie, and the kernel keeps as much of them in memory as there is room
    for; of float16 vectors one block at a time is converted for a batch, and none for a few queries.
    """

    def __init__(self, dimension: int, dtype: np.dtype[np.floating]) -> None:
        super().__init__(dimension, dimension * dtype.itemsize)
        self.dtype = dtype
        self._parts: list[NDArray[np.floating]] = []

    def _append(self, codes: NDArray[np.uint8]) -> None:
        self._parts.append(codes.view(self.dtype))

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        best: Hits | None = None
        first = 0
        step = block_rows(self.dimension)
        for part in self._parts:
            for start in range(0, len(part), step):
                found = block_top(queries, np.ascontiguousarray(part[start : start + step]), k)
                found = Hits(found.ids + first + start, found.scores)
                best = found if best is None else merged(best, found, k)
            first += len(part)
        assert best is not None
        return best


def block_top(queries: NDArray[np.float32], block: NDArray[np.floating], k: int) -> Hits:
    """The k best rows (or all) of `block` [n, D], float32 or float16, for queries float32 [Q, D]."""
    import faiss

    if block.dtype == np.float16 and len(queries) <= FEW:
        scan = half_precision(block).search
    else:
        converted = block.astype(np.float32, copy=False)

        def scan(some: NDArray[np.float32], fetch: int) -> Any:
            return faiss.knn(some, converted, fetch, metric=faiss.METRIC_INNER_PRODUCT)

    return exact_top(scan, queries, min(k, len(block)), len(block))


def half_precision(block: NDArray[np.float16]) -> Any:
    """A faiss index over `block` [n, D] where it lies; `block` must outlive it."""
    import faiss

    index = faiss.IndexScalarQuantizer(block.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    view = faiss.MaybeOwnedVectorUInt8()
    view.is_owned = False
    view.view_data = view.c_ptr = faiss.swig_ptr(block.view(np.uint8))
    view.view_size = view.c_size = block.nbytes
    index.codes = view
    index.ntotal = len(block)
    return index
