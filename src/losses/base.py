"""What an objective is: a loss on the vectors of a batch, with or without parameters of its own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """The vectors of one (global) batch of B queries and P passages, positives first.

    queries [B, D]; passages [P, D]; positives [B] int64: the row in `passages` of each query's positive;
    masked [B, P] bool: passages that must not count as negatives of the query (its other positives, and copies of
    its positive); `step` is the optimizer step, for schedules.
    """

    queries: Tensor
    passages: Tensor
    positives: Tensor
    masked: Tensor
    step: int


class ObjectiveModule(nn.Module, ABC):
    """The trainable form of an objective. Parameters of its own are saved with the checkpoint."""

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Per-query losses [B] by name; "loss" is the one that is trained, the others are logged."""


@dataclass(frozen=True)
class Objective(ABC):
    """A training objective as a component: its fields are its settings."""

    @abstractmethod
    def build(self, dimension: int) -> ObjectiveModule:
        """The module for vectors of `dimension`."""
