"""The torch module that trains an objective's own parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .base import Batch, Objective


class ObjectiveModule(nn.Module):
    """An objective for vectors of `dimension`: its parameters are trained with the encoder and saved with it."""

    def __init__(self, objective: Objective, dimension: int) -> None:
        super().__init__()
        self.objective = objective
        self.rates = {}
        for name, parameter in objective.parameters(dimension).items():
            self.rates[name] = parameter.learning_rate
            self.register_parameter(name, nn.Parameter(parameter.value, parameter.learning_rate > 0))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """`Objective.losses` with the parameters as they are."""
        return self.objective.losses(batch, dict(self.named_parameters()))

    def ranked(self, queries: Tensor, passages: Tensor) -> tuple[Tensor, Tensor]:
        """`Objective.ranked` with the parameters as they are."""
        return self.objective.ranked(queries, passages, dict(self.named_parameters()))

    def start_from(self, state: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over parameters by name from an earlier round or a fitted quantizer; the others keep their values.

        An objective without parameters takes none. Raises RuntimeError for parameters of another objective.
        """
        own = self.state_dict()
        if own:
            self.load_state_dict(own | {name: torch.from_numpy(value) for name, value in state.items()})

    def parameter_groups(self) -> list[dict[str, Any]]:
        """torch.optim groups of the parameters that are trained, each at its own rate and without weight decay."""
        own = [(name, value) for name, value in self.named_parameters() if value.requires_grad]
        return [{"params": [value], "lr": self.rates[name], "weight_decay": 0.0} for name, value in own]
