"""Codes scanned by a faiss index in memory: asymmetric distance computation, the inner product of query and code."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..machine.threads import for_queries
from ..quantizers.codec import FaissCodec
from .base import Hits, VectorIndex
from .ties import Found, Scanned, exact_top


class AdcIndex(VectorIndex):
    """A copy of the codec's faiss index, filled with codes."""

    def __init__(self, fitted: FaissCodec, ties_from: int = 0) -> None:
        import faiss

        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self._fitted = fitted
        trained = fitted.faiss_index
        rotates = isinstance(trained, faiss.IndexPreTransform)
        self._trained: Any = faiss.downcast_index(trained.index) if rotates else trained  # what holds the codes
        self._faiss: Any = faiss.clone_index(self._trained)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        """Adds the whole array, a memory map or not, at once: faiss then allocates exactly what it needs."""
        self._faiss.add_sa_codes(np.ascontiguousarray(codes))

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        projected = self._fitted.project(queries)
        with for_queries(len(queries)):
            return exact_top(Scanned(self._faiss.search, self._part, self.size), projected, k, self.ties_from)

    def _part(self, queries: NDArray[np.float32], start: int, stop: int) -> Found:
        """The scores of the codes from start to stop, by the same index, whose scores do not depend on their number."""
        import faiss

        entries = faiss.rev_swig_ptr(self._faiss.codes.data(), self.size * self.code_bytes)
        codes = entries.reshape(self.size, self.code_bytes)[start:stop]
        scores, ids = over(faiss.clone_index(self._trained), codes).search(queries, stop - start)
        return scores, ids + start


def over(empty: Any, codes: NDArray[np.uint8]) -> Any:
    """`empty`, a faiss index of plain codes without entries, over `codes` [n, code_bytes], without a copy.

    The array must outlive the index.
    """
    import faiss

    view: Any = faiss.MaybeOwnedVectorUInt8()
    view.is_owned = False
    view.view_data = view.c_ptr = faiss.swig_ptr(codes)
    view.view_size = view.c_size = codes.nbytes
    empty.codes = view
    empty.ntotal = len(codes)
    return empty
