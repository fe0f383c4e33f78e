"""Objectives with parameters of their own."""

import torch
from torch import Tensor, nn

from labrador.losses.base import Batch
from labrador.losses.module import ObjectiveModule


class Scaled(ObjectiveModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.layer(batch.queries).sum(dim=1)}


def test_own_parameters_train_at_the_encoders_rate_without_decay_by_default():
    module = Scaled()
    (group,) = module.parameter_groups(learning_rate=2e-5, weight_decay=0.01)
    assert group["params"] == [module.layer.weight, module.layer.bias]
    assert (group["lr"], group["weight_decay"]) == (2e-5, 0.0)
