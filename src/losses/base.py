"""What an objective is: a loss on the vectors of a batch, with or without parameters of its own. Imports no torch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from .module import ObjectiveModule


@dataclass(frozen=True)
class Batch:
    """The vectors of one batch: B queries (this process's share) and P passages (of all processes, or its own).

    queries [B, D]; passages [P, D], no passage twice: first the queries' positives, then hard negatives;
    positives [B] int64: the row in `passages` of each query's positive; masked [B, P] bool: passages that must not
    count as negatives of the query (its other positives); `step`: optimizer steps done, for schedules.
    """

    queries: "Tensor"
    passages: "Tensor"
    positives: "Tensor"
    masked: "Tensor"
    step: int


@dataclass(frozen=True)
class Objective(ABC):
    """A training objective as a component: its fields are its settings."""

    version: ClassVar[int] = 1  # raised when the same settings come to give another loss

    @abstractmethod
    def build(self, dimension: int) -> "ObjectiveModule":
        """The trainable form for vectors of `dimension`; torch's seed is set before the call."""
