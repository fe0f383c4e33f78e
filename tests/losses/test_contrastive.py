"""The contrastive loss: hand-worked numbers, a slow loop, gradients."""

import math

import pytest
import torch
from losses.batches import alone

from labrador.errors import SettingError
from labrador.losses.contrastive import Contrastive, info_nce


def test_hand_worked_numbers():
    queries = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    passages = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    masked = torch.zeros(2, 3, dtype=torch.bool)
    # scores / 0.5: first query 2, 0, 2; second query 0, 4, 4
    losses = info_nce(queries, passages, torch.tensor([0, 1]), masked, 0.5)
    expected = [
        math.log(math.exp(2) + math.exp(0) + math.exp(2)) - 2,
        math.log(math.exp(0) + math.exp(4) + math.exp(4)) - 4,
    ]
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_a_masked_passage_counts_for_nothing():
    queries, passages = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [9.0, 0.0], [0.0, 1.0]])
    masked = torch.tensor([[False, True, False]])
    losses = info_nce(queries, passages, torch.tensor([0]), masked, 1.0)
    assert losses.item() == pytest.approx(math.log(math.e + 1) - 1, rel=1e-6)


@pytest.mark.parametrize(("queries", "passages", "dimension"), [(1, 1, 3), (4, 9, 5), (7, 7, 2)])
def test_equals_a_slow_loop(queries: int, passages: int, dimension: int):
    generator = torch.Generator().manual_seed(queries)
    q = torch.randn(queries, dimension, generator=generator, dtype=torch.float64)
    p = torch.randn(passages, dimension, generator=generator, dtype=torch.float64)
    positives = torch.randint(0, passages, (queries,), generator=generator)
    masked = torch.rand(queries, passages, generator=generator) < 0.3
    masked[torch.arange(queries), positives] = False

    expected = []
    for row in range(queries):
        denominator = 0.0
        for column in range(passages):
            if not masked[row, column]:
                denominator += math.exp(float(q[row] @ p[column]) / 0.7)
        expected.append(-math.log(math.exp(float(q[row] @ p[positives[row]]) / 0.7) / denominator))
    assert info_nce(q, p, positives, masked, 0.7).tolist() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_gradients():
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    p = torch.randn(5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    positives, masked = torch.tensor([0, 1, 4]), torch.zeros(3, 5, dtype=torch.bool)
    masked[0, 2] = masked[2, 0] = True
    assert torch.autograd.gradcheck(lambda q, p: info_nce(q, p, positives, masked, 0.5), (q, p))


def test_large_scores_stay_finite():
    queries = passages = torch.tensor([[300.0, 0.0], [0.0, 300.0]])
    losses = info_nce(queries, passages, torch.tensor([0, 1]), torch.zeros(2, 2, dtype=torch.bool), 0.05)
    assert losses.tolist() == [0.0, 0.0]


def test_the_component_divides_by_its_temperature():
    queries, passages = torch.eye(2), torch.eye(2)
    batch = alone(queries, passages, [0, 1])
    losses = Contrastive(temperature=0.5).losses(batch, {})
    assert losses["loss"].tolist() == pytest.approx([math.log(math.exp(2) + 1) - 2] * 2, rel=1e-6)
    assert Contrastive().parameters(2) == {}


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_must_be_positive(temperature: float):
    with pytest.raises(SettingError, match=r"temperature=.*: expected a (finite )?number > 0"):
        Contrastive(temperature=temperature)
