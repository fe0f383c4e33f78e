"""Codes scanned by a faiss index in memory: inner product of the query and what a code stands for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantizers.threads import for_queries
from .base import Hits, VectorIndex
from .ranking import exact_top


class CodeIndex(VectorIndex):
    """A copy of `trained`, a faiss index without entries, filled with codes."""

    def __init__(self, trained: Any) -> None:
        import faiss

        super().__init__(trained.d, trained.sa_code_size())
        self._faiss = faiss.clone_index(trained)
        self._entries = self._faiss  # what holds the codes: the index itself, or the one behind its rotation
        if isinstance(self._faiss, faiss.IndexPreTransform):
            self._entries = faiss.downcast_index(self._faiss.index)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        """One call for the whole array, memory map or not: faiss then allocates exactly what is needed."""
        self._entries.add_sa_codes(np.ascontiguousarray(codes))
        self._faiss.ntotal = self._entries.ntotal

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        with for_queries(len(queries)):
            return exact_top(self._faiss.search, queries, k, self.size)
