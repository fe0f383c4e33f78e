"""Binary codes ranked by their Hamming distance to the query's code."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..machine.threads import workers
from ..quantizers.base import Codes, FittedQuantizer
from .base import Hits
from .streamed import StreamedIndex

if TYPE_CHECKING:
    from .popcount import Words

FEW = 8  # queries for which transposing the codes (popcount.py) costs more than it saves


class HammingIndex(StreamedIndex):
    """Scores are negated distances; the quantizer's own `encode` turns queries into codes.

    faiss scans for a few queries: its heap keeps the first of equally distant codes, in order. `nearest` does the same
    for a batch.
    """

    def __init__(self, fitted: FittedQuantizer, ties_from: int = 0) -> None:
        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self._fitted = fitted

    def _scan(self, queries: NDArray[np.float32], block: NDArray[np.uint8], k: int) -> Hits:
        encoded = self._fitted.encode(queries)
        if len(queries) < FEW:
            import faiss

            found, ids = faiss.knn_hamming(encoded, block, k)
            return Hits(ids, -found.astype(np.float32))
        from .popcount import nearest  # imports numba, which takes longer than a single query

        codes, asked = as_uint64(block), as_uint64(encoded)
        rows, distances = np.empty((len(asked), k), np.int64), np.empty((len(asked), k), np.int64)

        def scan(part: slice) -> None:
            nearest(codes, asked[part], k, rows[part], distances[part])

        list(self._scanners.map(scan, self._parts_of(len(asked))))
        return Hits(rows, -distances.astype(np.float32))

    def _parts_of(self, queries: int) -> list[slice]:
        """The queries of each thread."""
        import faiss

        threads = min(faiss.omp_get_max_threads(), queries)
        return [slice(queries * n // threads, queries * (n + 1) // threads) for n in range(threads)]

    @cached_property
    def _scanners(self) -> ThreadPoolExecutor:
        """Workers for parts of a batch of queries."""
        return workers("hamming")


def as_uint64(codes: Codes) -> "Words":
    """Codes uint8 [N, code_bytes] as uint64 [N, W]; where the bytes do not fill the last, a copy padded with zeros."""
    whole = -(-codes.shape[1] // 8) * 8
    if whole != codes.shape[1]:
        padded = np.zeros((len(codes), whole), np.uint8)
        padded[:, : codes.shape[1]] = codes
        codes = padded
    return np.ascontiguousarray(codes).view(np.uint64)
