"""Binary codes ranked by their Hamming distance to the query's code."""

import numpy as np
from numpy.typing import NDArray

from ..quantizers.base import FittedQuantizer
from .base import Hits
from .streamed import StreamedIndex


class HammingIndex(StreamedIndex):
    """Scores are negated distances; the quantizer's own `encode` turns queries into codes.

    faiss's heap keeps the lowest rows of equally distant codes, and gives them in order.
    """

    def __init__(self, quantizer: FittedQuantizer) -> None:
        super().__init__(quantizer.dimension, quantizer.code_bytes)
        self._quantizer = quantizer

    def _scan(self, queries: NDArray[np.float32], block: NDArray[np.uint8], k: int) -> Hits:
        import faiss

        distances, ids = faiss.knn_hamming(self._quantizer.encode(queries), block, k)
        return Hits(ids, -distances.astype(np.float32))
