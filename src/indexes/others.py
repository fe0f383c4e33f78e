"""Rankings without one passage for each query: that which is the query itself (data/exclude_self.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Hits
from .ties import without_own
from .two_stage import TwoStageIndex


@dataclass(frozen=True)
class Questions:
    """Q queries, as an index takes them, and the passage that each is itself, int64 [Q] (-1: none)."""

    queries: Any
    own: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.own)

    def __getitem__(self, part: slice) -> "Questions":
        return Questions(self.queries[part], self.own[part])


def search_of(index: Any, queries: Any) -> Callable[[Any, int], Hits]:
    """The search of `index` for such queries: for `Questions` the one that ranks as if each query's own passage were
    not there, also among the candidates of two stages.
    """
    if not isinstance(queries, Questions):
        plain: Callable[[Any, int], Hits] = index.search
        return plain

    def search(asked: Questions, k: int) -> Hits:
        if isinstance(index, TwoStageIndex):
            return index.search(asked.queries, k, asked.own)
        k = index.cut(k)
        return without_own(index.search(asked.queries, min(k + 1, index.size)), asked.own, k)

    return search
