"""Exact inner product over vectors that stay on disk."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Hits
from .ranking import exact_top
from .streamed import StreamedIndex

FEW = 16  # queries for which reading float16 as it is costs less than converting a block to float32


class FlatIndex(StreamedIndex):
    """Scans stored vectors, float32 or float16 [N, D].

    The kernel keeps as much of a memory map in memory as there is room for. Of float16 vectors one block at a time is
    converted for a batch of queries, and none for a few.
    """

    def __init__(self, dimension: int, dtype: np.dtype[np.floating]) -> None:
        super().__init__(dimension, dimension * dtype.itemsize)
        self.dtype = dtype

    def _scan(self, queries: NDArray[np.float32], block: NDArray[np.uint8], k: int) -> Hits:
        import faiss

        if self.dtype == np.float16 and len(queries) <= FEW:
            return exact_top(half_precision(block, self.dimension).search, queries, k, len(block))
        vectors = block.view(self.dtype).astype(np.float32, copy=False)

        def scan(some: NDArray[np.float32], fetch: int) -> Any:
            return faiss.knn(some, vectors, fetch, metric=faiss.METRIC_INNER_PRODUCT)

        return exact_top(scan, queries, k, len(block))


def half_precision(block: NDArray[np.uint8], dimension: int) -> Any:
    """A faiss index over the float16 vectors `block` [n, 2 D] where they lie; `block` must outlive it."""
    import faiss

    index: Any = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    view: Any = faiss.MaybeOwnedVectorUInt8()
    view.is_owned = False
    view.view_data = view.c_ptr = faiss.swig_ptr(block)
    view.view_size = view.c_size = block.nbytes
    index.codes = view
    index.ntotal = len(block)
    return index
