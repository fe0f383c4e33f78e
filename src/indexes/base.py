"""What an index is: codes to ranked passages."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape, check_values

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class QueryVectors:
    """The Q queries of a search of vectors.

    vectors float32 [Q, D] are compared with the codes. verifier float32 [Q, D'] are a second encoder's, for the rerank;
    None: `vectors` serve for that, too. own int64 [Q] is the passage that each query is itself (-1: none) and that its
    ranking leaves out; None: no query is a passage.
    """

    vectors: Floats
    verifier: Floats | None = None
    own: Ints | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, part: slice) -> "QueryVectors":
        verifier = None if self.verifier is None else self.verifier[part]
        return QueryVectors(self.vectors[part], verifier, None if self.own is None else self.own[part])


@dataclass(frozen=True)
class QueryTexts:
    """The Q queries of a search by terms; own int64 [Q]: as in `QueryVectors`."""

    texts: Sequence[str]
    own: Ints | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: slice) -> "QueryTexts":
        return QueryTexts(self.texts[part], None if self.own is None else self.own[part])


@dataclass(frozen=True)
class Hits:
    """The passages found for Q queries, best first, equal scores in the order of ties (ties.py).

    ids int64 [Q, k] are passage numbers, -1 where fewer than k were found; scores float32 [Q, k], higher is better;
    stages: the milliseconds that each stage of a search of several stages took for all Q queries together.
    """

    ids: Ints
    scores: Floats
    stages: Mapping[str, float] = field(default_factory=dict)

    def without(self, own: Ints, k: int) -> Self:
        """The first k of the hits [Q, k or k + 1] other than each query's own passage, int64 [Q] (-1: none).

        Where no further passage is left, the last place has id -1 and score -inf.
        """
        found = (self.ids == own[:, None]) & (own[:, None] >= 0)
        order = np.argsort(found, axis=1, kind="stable")[:, :k]
        ids, scores = np.where(found, -1, self.ids), np.where(found, np.float32(-np.inf), self.scores)
        at = (np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1))
        return type(self)(*at, self.stages)


Asked = TypeVar("Asked", QueryVectors, QueryTexts)


class Index(ABC, Generic[Asked]):
    """Ranks `size` passages for queries; equal scores go to the first passage from `ties_from` on (ties.py)."""

    def __init__(self, size: int = 0, ties_from: int = 0) -> None:
        self.size, self.ties_from = size, ties_from
        self._said = False

    @abstractmethod
    def search(self, queries: Asked, k: int) -> Hits:
        """The k best passages of each query without its own; k beyond the number of passages is cut to it."""

    def cut(self, k: int) -> int:
        """k, or the number of passages where that is smaller (logged the first time)."""
        if k > self.size and not self._said:
            self._said = True
            log.info("k=%d is beyond the %d passages of the index: every ranking has %d", k, self.size, self.size)
        return min(k, self.size)

    def _without_own(self, own: Ints | None, k: int, top: Callable[[int], Hits]) -> Hits:
        """The k best passages without each query's own, from `top`, which gives the n best of all passages."""
        k = self.cut(k)
        return top(k) if own is None else top(min(k + 1, self.size)).without(own, k)


class VectorIndex(Index[QueryVectors]):
    """The checks that every index of codes makes; a kind of index implements `_append` and `_top`.

    `search` raises LabradorError on queries of another width, and on queries that are NaN, infinite or zero.
    """

    def __init__(self, dimension: int, code_bytes: int, ties_from: int = 0) -> None:
        super().__init__(0, ties_from)
        self.dimension = dimension
        self.code_bytes = code_bytes

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages; the array must not change afterwards.

        Raises LabradorError on codes of another width.
        """
        check_shape(codes, self.code_bytes, "codes to add")
        if len(codes):
            self._append(codes)
            self.size += len(codes)

    def search(self, queries: QueryVectors, k: int) -> Hits:
        """The k best passages of each query without its own; k beyond the number of passages is cut to it."""
        vectors = checked(queries.vectors, self.dimension)
        return self._without_own(queries.own, k, lambda count: self._top(vectors, count))

    @abstractmethod
    def _append(self, codes: NDArray[np.uint8]) -> None:
        """Take in N > 0 codes [N, code_bytes], which start at passage `self.size`."""

    @abstractmethod
    def _top(self, queries: Floats, k: int) -> Hits:
        """The k <= size best passages of each query float32 [Q, D], in order."""


def checked(queries: Floats, dimension: int) -> Floats:
    """The query vectors as a C-contiguous float32 [Q, dimension]; raises LabradorError on another shape, and on a
    vector that is NaN, infinite or zero.
    """
    check_shape(queries, dimension, "queries")
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    check_values(queries, "query")
    return queries
