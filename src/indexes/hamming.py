"""Binary codes ranked by their Hamming distance to the query's code."""

import numpy as np
from numpy.typing import NDArray

from ..quantizers.base import FittedQuantizer
from .base import Hits, VectorIndex
from .ranking import merged


class HammingIndex(VectorIndex):
    """Scans binary codes where they lie, without a copy; scores are negated distances.

    The quantizer's own `encode` turns queries into codes. faiss keeps the lowest rows of equally distant codes.
    """

    def __init__(self, quantizer: FittedQuantizer) -> None:
        super().__init__(quantizer.dimension, quantizer.code_bytes)
        self._quantizer = quantizer
        self._parts: list[NDArray[np.uint8]] = []

    def _append(self, codes: NDArray[np.uint8]) -> None:
        self._parts.append(np.ascontiguousarray(codes))

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        import faiss

        codes = self._quantizer.encode(queries)
        best: Hits | None = None
        first = 0
        for part in self._parts:
            distances, ids = faiss.knn_hamming(codes, part, min(k, len(part)))
            found = Hits(ids + first, -distances.astype(np.float32))
            best = found if best is None else merged(best, found, k)
            first += len(part)
        assert best is not None
        return best
