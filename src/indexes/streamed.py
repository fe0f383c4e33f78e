"""Codes scanned where they are stored, block by block, without a copy."""

from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..machine.threads import workers
from .base import Hits, VectorIndex
from .ties import merged

BLOCK_BYTES = 64 * 2**20


class StreamedIndex(VectorIndex):
    """Reads the added arrays, also memory maps, once for a whole batch of queries and keeps the best so far.

    faiss spreads queries over threads, so that a single query has one of them (or, for vectors, does five times the
    work); here the blocks of a single query are spread over the threads.
    """

    def __init__(self, dimension: int, code_bytes: int, ties_from: int = 0) -> None:
        super().__init__(dimension, code_bytes, ties_from)
        self._parts: list[NDArray[np.uint8]] = []

    def _append(self, codes: NDArray[np.uint8]) -> None:
        self._parts.append(codes)

    @abstractmethod
    def _scan(self, queries: NDArray[np.float32], block: NDArray[np.uint8], k: int) -> Hits:
        """The k <= n best of the codes `block` [n, code_bytes] for each query, in order; ids count from its first."""

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        import faiss

        def scan(block: tuple[int, NDArray[np.uint8]]) -> Hits:
            first, codes = block
            found = self._scan(queries, codes, min(k, len(codes)))
            return Hits(found.ids + first, found.scores)

        if len(queries) == 1 and faiss.omp_get_max_threads() > 1:
            rows = -(-self.size // faiss.omp_get_max_threads())
            return best(self._pool.map(scan, self._blocks(rows)), k)
        return best(map(scan, self._blocks()), k)

    def _blocks(self, most: int | None = None) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """First passage and codes of blocks of BLOCK_BYTES and at most `most` passages, in the order of ties."""
        rows = max(1, min(BLOCK_BYTES // self.code_bytes, most or self.size))
        for begin, end in ((self.ties_from, self.size), (0, self.ties_from)):
            first = 0
            for part in self._parts:
                for start in range(max(begin - first, 0), min(end - first, len(part)), rows):
                    yield first + start, np.ascontiguousarray(part[start : min(start + rows, end - first)])
                first += len(part)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Workers for the blocks of a single query."""
        return workers("scan")


def best(found: Iterator[Hits], k: int) -> Hits:
    """The k best of the rankings of consecutive blocks."""
    hits = next(found)
    for more in found:
        hits = merged(hits, more, k)
    return hits
