"""Objectives with parameters of their own."""

import pytest
import torch
from losses.batches import alone
from torch import Tensor

from labrador.losses.base import Batch, Objective, Parameter, State
from labrador.losses.bidr import BiDRLoss
from labrador.losses.bpr import BPRLoss
from labrador.losses.contrastive import Contrastive
from labrador.losses.module import ObjectiveModule
from labrador.losses.pair import PAIRLoss


class Scaled(Objective):
    """Two layers, one of which stays as it is."""

    def parameters(self, dimension: int) -> dict[str, Parameter]:
        return {name: Parameter(torch.eye(dimension), rate) for name, rate in (("layer", 0.5), ("frozen", 0.0))}

    def losses(self, batch: Batch, state: State) -> dict[str, Tensor]:
        return {"loss": (batch.queries @ state["layer"] @ state["frozen"]).sum(dim=1)}


def test_parameters_train_at_their_own_rates_without_decay():
    module = ObjectiveModule(Scaled(), 2)
    (group,) = module.parameter_groups()
    (trained,) = group["params"]
    assert trained is module.layer
    assert (group["lr"], group["weight_decay"]) == (0.5, 0.0)
    assert set(module.state_dict()) == {"layer", "frozen"}


@pytest.mark.parametrize("passages", [0, 3])
@pytest.mark.parametrize(
    "objective",
    [
        Contrastive(),
        PAIRLoss(),
        BPRLoss(bits=8, hash_layer="linear", dense_loss="cross_entropy"),
        BiDRLoss(codebooks=2, centroids=4, reconstruction=0.1),
    ],
    ids=lambda objective: type(objective).__name__,
)
def test_a_share_without_a_query_adds_nothing_and_gives_every_parameter_a_gradient(objective: Objective, passages: int):
    """In a small last part a process has no query; without gathering it has no passage either."""
    queries, vectors = torch.zeros(0, 8, requires_grad=True), torch.ones(passages, 8, requires_grad=True)
    nothing = torch.zeros(0, passages, dtype=torch.bool)
    module = ObjectiveModule(objective, 8)
    losses = module(alone(queries, vectors, torch.zeros(0, dtype=torch.int64), nothing, step=1))
    assert {tuple(values.shape) for values in losses.values()} == {(0,)}
    losses["loss"].sum().backward()
    for parameter in (queries, vectors, *(value for value in module.parameters() if value.requires_grad)):
        assert parameter.grad is not None
        assert not parameter.grad.any()
