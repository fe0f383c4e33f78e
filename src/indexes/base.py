"""What an index is: codes to ranked passages."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape, check_values

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hits:
    """The passages found for Q queries, best first, equal scores in the order of ties (`Sized.ties_from`).

    ids int64 [Q, k] are passage rows, -1 where fewer than k were found; scores float32 [Q, k], higher is better;
    stages: what each stage of a search that has several took, in milliseconds for all Q queries together.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    stages: Mapping[str, float] = field(default_factory=dict)


class Index(ABC):
    """Searches what was added to it.

    ties_from: the row that equal scores go to first; then the rows behind it, and from the last one on row 0 and so on.
    """

    ties_from: int

    @abstractmethod
    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages."""

    @abstractmethod
    def search(self, queries: NDArray[np.float32], k: int) -> Hits:
        """The k best passages of each query float32 [Q, D]; k beyond the number of passages is cut to it."""


class Sized:
    """Cuts k to the number of passages. Equal scores go to the lowest row from `ties_from` on, around the end."""

    size: int = 0  # passages
    ties_from: int = 0
    _said = False

    def cut(self, k: int) -> int:
        """k, or the number of passages where that is smaller (said in the log the first time)."""
        if k > self.size and not self._said:
            self._said = True
            log.info("k=%d is beyond the %d passages of the index: every ranking has %d", k, self.size, self.size)
        return min(k, self.size)


class VectorIndex(Sized, Index):
    """The checks that every index of vectors makes; a kind of index implements `_append` and `_top`.

    Raises LabradorError on queries or codes of another width, and on queries that are NaN, infinite or zero.
    """

    def __init__(self, dimension: int, code_bytes: int) -> None:
        self.dimension = dimension
        self.code_bytes = code_bytes

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages; the array must not change afterwards."""
        check_shape(codes, self.code_bytes, "codes to add")
        if len(codes):
            self._append(codes)
            self.size += len(codes)

    def search(self, queries: NDArray[np.float32], k: int) -> Hits:
        """The k best passages of each query float32 [Q, D]; k beyond the number of passages is cut to it."""
        check_shape(queries, self.dimension, "queries")
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        check_values(queries, "query")
        return self._top(queries, self.cut(k))

    @abstractmethod
    def _append(self, codes: NDArray[np.uint8]) -> None:
        """Take in N > 0 codes [N, code_bytes], which start at row `self.size`."""

    @abstractmethod
    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        """The k <= size best of each query, in order."""
