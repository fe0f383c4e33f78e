"""The trainable form of an objective."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .base import Batch


class ObjectiveModule(nn.Module, ABC):
    """Losses of a batch. Parameters of its own are trained with the encoder and saved with the checkpoint.

    crosses_queries: whether a query's loss depends on the other queries of the batch (`Batch.everyone`).
    """

    crosses_queries: bool = False

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Per-query losses [B] by name; the mean of "loss" over the global batch is trained, the others are logged."""

    def ranked(self, queries: Tensor, passages: Tensor) -> tuple[Tensor, Tensor]:
        """Query vectors [Q, D] and passage vectors [P, D] as what the objective is for ranks them, by inner product."""
        return queries, passages

    def start_from(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over parameters by name, which an earlier round or a fitted quantizer left; others stay as they are.

        An objective without parameters takes none. Raises RuntimeError when they are those of another objective.
        """
        own = self.state_dict()
        if own:
            self.load_state_dict(own | {name: torch.from_numpy(value) for name, value in state.items()})

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """torch.optim groups of this module's own parameters, each with its `lr` and `weight_decay`.

        The learning rate and weight decay given are the encoder's; the module's default is the same rate and no
        decay. The schedule scales every group's `lr` alike.
        """
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [{"params": parameters, "lr": learning_rate, "weight_decay": 0.0}] if parameters else []


class Stateless(ObjectiveModule):
    """An objective without parameters: a function of the batch."""

    def __init__(
        self,
        losses: Callable[[Batch], dict[str, Tensor]],
        crosses_queries: bool = False,
        ranked: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    ) -> None:
        super().__init__()
        self.losses, self.crosses_queries, self._ranked = losses, crosses_queries, ranked

    def ranked(self, queries: Tensor, passages: Tensor) -> tuple[Tensor, Tensor]:
        return super().ranked(queries, passages) if self._ranked is None else self._ranked(queries, passages)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return self.losses(batch)
