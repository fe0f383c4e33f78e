"""The optimizers: LAMB's steps by a plain loop, whose tensors they scale, and a training with them."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from labrador.losses.contrastive import Contrastive
from labrador.training.optimizers import make_optimizer
from training import toy

RATE, EPSILON = 0.01, 1e-6


def stepped(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, steps: int) -> list[torch.Tensor]:
    """The gradients of `steps` steps down the sum of cubes."""
    gradients = []
    for _ in range(steps):
        optimizer.zero_grad()
        sum((parameter**3).sum() for parameter in parameters).backward()
        gradients.append([parameter.grad.clone() for parameter in parameters])
        optimizer.step()
    return gradients


def test_adamw_is_torchs():
    optimizer = make_optimizer("adamw", [{"params": [nn.Parameter(torch.ones(2))], "weight_decay": 0.1}], [], RATE)
    assert type(optimizer) is torch.optim.AdamW
    assert optimizer.param_groups[0]["lr"] == RATE


@pytest.mark.parametrize("scale", [0.1, 100.0])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_lamb_moves_a_tensor_by_the_rate_times_its_norm(scale: float, decay: float):
    """Algorithm 2 of the paper, without its corrections of bias; norms over 10 count as they are."""
    start = scale * torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
    parameter = nn.Parameter(start.clone())
    optimizer = make_optimizer("lamb", [{"params": [parameter], "weight_decay": decay}], [], RATE)
    steps = stepped([parameter], optimizer, 3)
    x, m, v = start.clone(), torch.zeros(2, 3), torch.zeros(2, 3)
    for (gradient,) in steps:
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        update = m / (v.sqrt() + EPSILON) + decay * x
        move = RATE * x.norm() / (update.norm() + EPSILON) * update
        assert move.norm().item() == pytest.approx(RATE * x.norm().item(), rel=1e-5)
        x = x - move
    torch.testing.assert_close(parameter.detach(), x)


def test_groups_with_rates_of_their_own_take_adams_steps():
    own, alone = nn.Parameter(torch.full((3,), 50.0)), nn.Parameter(torch.ones(4))
    frozen = nn.Parameter(torch.ones(2), requires_grad=False)
    backbone = [{"params": [alone, frozen], "weight_decay": 0.0}, {"params": [], "weight_decay": 0.0}]
    optimizer = make_optimizer("lamb", backbone, [{"params": [own], "lr": 0.5, "weight_decay": 0.0}], RATE)
    stepped([own, alone], optimizer, 1)
    assert own.tolist() == pytest.approx([50 - 0.5 * 0.1 / math.sqrt(0.001)] * 3, rel=1e-5)
    assert alone.tolist() == pytest.approx([1 - RATE] * 4, rel=1e-5)
    assert frozen.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_with_lamb_lowers_the_loss(texts: Path, tmp_path: Path, precision: str):
    """With two towers; no weight is broken, in reduced precision either."""
    encoder = toy.Still(shared=False, pooling="mean", normalize=True)
    settings = {"optimizer": "lamb", "precision": precision, "epochs": 6, "learning_rate": 0.05, "weight_decay": 0.01}
    weights = toy.run(texts, tmp_path, encoder=encoder, objective=Contrastive(temperature=0.05), **settings)
    assert all(torch.isfinite(value).all() for value in weights.values())
    losses = [line["loss"] for line in toy.curve(tmp_path)]
    assert sum(losses[-3:]) < sum(losses[:3]) - 0.5
