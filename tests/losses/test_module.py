"""Objectives with parameters of their own."""

import pytest
import torch
from losses.batches import alone
from torch import Tensor, nn

from labrador.losses.base import Batch, Objective
from labrador.losses.contrastive import Contrastive
from labrador.losses.contrastive_pq import ContrastivePQ
from labrador.losses.hashing import Hashing
from labrador.losses.module import ObjectiveModule
from labrador.losses.passage_centric import PassageCentric


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


@pytest.mark.parametrize("passages", [0, 3])
@pytest.mark.parametrize(
    "objective",
    [
        Contrastive(),
        PassageCentric(),
        Hashing(bits=8, dense_loss="cross_entropy"),
        ContrastivePQ(codebooks=2, centroids=4, reconstruction=0.1),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_a_share_without_a_query_adds_nothing_and_gives_every_parameter_a_gradient(objective: Objective, passages: int):
    """In a small last part a process has no query; without gathering it has no passage either."""
    queries, vectors = torch.zeros(0, 8, requires_grad=True), torch.ones(passages, 8, requires_grad=True)
    nothing = torch.zeros(0, passages, dtype=torch.bool)
    module = objective.build(dimension=8)
    losses = module(alone(queries, vectors, torch.zeros(0, dtype=torch.int64), nothing, step=1))
    assert {tuple(values.shape) for values in losses.values()} == {(0,)}
    losses["loss"].sum().backward()
    for parameter in (queries, vectors, *(value for value in module.parameters() if value.requires_grad)):
        assert parameter.grad is not None
        assert not parameter.grad.any()
