"""What an index is: codes to ranked passages."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Hits:
    """The passages found for Q queries, best first, equal scores by lower passage row.

    ids int64 [Q, k] are passage rows, -1 where fewer than k were found; scores float32 [Q, k], higher is better.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


class Index(ABC):
    """Searches what was added to it."""

    @abstractmethod
    def add(self, codes: NDArray[np.uint8]) -> None:
        """Append the codes uint8 [N, code_bytes] of the next N passages."""

    @abstractmethod
    def search(self, queries: NDArray[np.float32], k: int) -> Hits:
        """The k best passages of each query float32 [Q, D]; k beyond the number of passages is cut to it."""
