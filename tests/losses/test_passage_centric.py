"""PAIR's passage-centric loss: hand-worked numbers, a plain loop, and what a step on it changes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.errors import LabradorError
from labrador.losses.base import Batch
from labrador.losses.contrastive import Contrastive, info_nce
from labrador.losses.passage_centric import PassageCentric, passage_nce


def nothing_masked(queries: int, passages: int) -> torch.Tensor:
    return torch.zeros(queries, passages, dtype=torch.bool)


def random_batch(queries: int, passages: int, seed: int) -> Batch:
    """Random vectors [., 4] in double precision, random positives, and masks that leave these alone."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(queries, 4, generator=generator, dtype=torch.float64)
    p = torch.randn(passages, 4, generator=generator, dtype=torch.float64)
    positives = torch.randint(0, passages, (queries,), generator=generator)
    masked = torch.rand(queries, passages, generator=generator) < 0.3
    masked[torch.arange(queries), positives] = False
    return Batch(q, p, positives, masked, step=0)


def inputs(batch: Batch) -> tuple[torch.Tensor, ...]:
    return batch.queries, batch.passages, batch.positives, batch.masked


QUERIES = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
PASSAGES = torch.tensor([[1.0, 1.0], [0.0, 3.0], [2.0, 0.0]])


def test_hand_worked_numbers():
    """With temperature 0.5. First: the positive (0, 3) meets q 0, (1, 1) 6 and (2, 0) 0, never itself (18).
    Second: (2, 0) meets q 0, (1, 1) 4 and (0, 3) 0.
    """
    losses = passage_nce(QUERIES, PASSAGES, torch.tensor([1, 2]), nothing_masked(2, 3), 0.5)
    expected = [math.log(math.exp(0) + math.exp(6) + math.exp(0)), math.log(math.exp(0) + math.exp(4) + math.exp(0))]
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_the_label_is_the_row_of_the_positive_and_not_that_of_the_query():
    """Second query's positive in row 0, (1, 1): q 2, (0, 3) 3, (2, 0) 2."""
    losses = passage_nce(QUERIES, PASSAGES, torch.tensor([2, 0]), nothing_masked(2, 3), 1.0)
    expected = [
        math.log(math.exp(2) + math.exp(2) + math.exp(0)) - 2,
        math.log(math.exp(2) + math.exp(3) + math.exp(2)) - 2,
    ]
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_queries_that_share_their_positive_do_not_make_it_its_own_negative():
    """The positive (1, 1) meets the first query with 1, the second with 2, and both times 3 and 2 of the others."""
    losses = passage_nce(QUERIES, PASSAGES, torch.tensor([0, 0]), nothing_masked(2, 3), 1.0)
    others = math.exp(3) + math.exp(2)
    expected = [math.log(math.exp(1) + others) - 1, math.log(math.exp(2) + others) - 2]
    assert losses.tolist() == pytest.approx(expected, rel=1e-6)


def test_a_masked_passage_counts_for_nothing():
    masked = torch.tensor([[False, True, False], [False, False, False]])
    losses = passage_nce(QUERIES, PASSAGES, torch.tensor([0, 0]), masked, 1.0)
    assert losses[0].item() == pytest.approx(math.log(math.exp(1) + math.exp(2)) - 1, rel=1e-6)
    alone = passage_nce(QUERIES[:1], PASSAGES, torch.tensor([0]), torch.tensor([[False, True, True]]), 1.0)
    assert alone.tolist() == [0.0]


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 10_000), st.sampled_from([0.05, 0.7, 1.0]))
def test_equals_a_plain_loop(queries: int, passages: int, seed: int, temperature: float):
    batch = random_batch(queries, passages, seed)
    expected = []
    for row in range(queries):
        positive = int(batch.positives[row])
        wanted = float(batch.passages[positive] @ batch.queries[row]) / temperature
        scores = [wanted]
        for column in range(passages):
            if column != positive and not batch.masked[row, column]:
                scores.append(float(batch.passages[positive] @ batch.passages[column]) / temperature)
        top = max(scores)
        expected.append(top + math.log(sum(math.exp(score - top) for score in scores)) - wanted)
    assert passage_nce(*inputs(batch), temperature).tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 1.0]))
def test_a_step_brings_the_positive_nearer_to_its_query_than_to_the_negative(seed: int, temperature: float):
    """A gradient step on L_P alone raises s(p+, q) - s(p+, p-)."""
    generator = torch.Generator().manual_seed(seed)
    query, positive, negative = (
        torch.randn(1, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(3)
    )

    def gap() -> float:
        return (positive * (query - negative)).sum().item()

    before = gap()
    passages = torch.cat([positive, negative])
    loss = passage_nce(query, passages, torch.tensor([0]), nothing_masked(1, 2), temperature)
    gradients = torch.autograd.grad(loss.sum(), (query, positive, negative))
    size = sum(float(gradient.norm()) for gradient in gradients)
    with torch.no_grad():
        for vector, gradient in zip((query, positive, negative), gradients, strict=True):
            vector -= 1e-4 * gradient / (size or 1.0)  # a step of a fixed length, or none where a gradient underflows
    assert gap() > before or size < 1e-12


def test_gradients():
    batch = random_batch(3, 5, seed=0)
    q, p = batch.queries.requires_grad_(), batch.passages.requires_grad_()
    positives = torch.tensor([0, 4, 4])
    masked = nothing_masked(3, 5)
    masked[0, 2] = masked[2, 0] = True
    assert torch.autograd.gradcheck(lambda q, p: passage_nce(q, p, positives, masked, 0.5), (q, p))


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("size", [1e-6, 300.0, 1e4])
def test_extreme_scores_give_finite_losses_and_gradients(alpha: float, size: float):
    """Up to 2e9 after the temperature, with all other passages of a query masked besides."""
    queries = torch.tensor([[size, 0.0], [0.0, -size]], requires_grad=True)
    passages = torch.tensor([[size, size], [-size, size], [size, 0.0]], requires_grad=True)
    masked = torch.tensor([[False, True, True], [False, False, False]])
    losses = PassageCentric(temperature=0.05, alpha=alpha).losses(
        Batch(queries, passages, torch.tensor([0, 1]), masked, step=0)
    )
    losses["loss"].sum().backward()
    assert all(torch.isfinite(values).all() for values in (*losses.values(), queries.grad, passages.grad))


def test_the_component_mixes_both_losses_over_one_temperature():
    batch = random_batch(5, 7, seed=1)
    query, passage = info_nce(*inputs(batch), 0.5), passage_nce(*inputs(batch), 0.5)
    losses = PassageCentric(temperature=0.5, alpha=0.25).build(dimension=4)(batch)
    assert losses.keys() == {"loss", "query", "passage"}
    torch.testing.assert_close(losses["loss"], 0.75 * query + 0.25 * passage)
    assert torch.equal(losses["query"], query)
    assert torch.equal(losses["passage"], passage)
    assert PassageCentric().alpha == 0.1


def test_a_loss_without_a_share_is_not_computed(monkeypatch: pytest.MonkeyPatch):
    batch = random_batch(5, 7, seed=2)
    passage = passage_nce(*inputs(batch), 0.5)
    monkeypatch.setattr("labrador.losses.passage_centric.info_nce", None)
    losses = PassageCentric(temperature=0.5, alpha=1.0).losses(batch)
    assert losses.keys() == {"loss", "passage"}
    assert torch.equal(losses["loss"], passage)
    monkeypatch.undo()
    monkeypatch.setattr("labrador.losses.passage_centric.passage_nce", None)
    losses = PassageCentric(temperature=0.5, alpha=0.0).losses(batch)
    assert losses.keys() == {"loss", "query"}
    assert torch.equal(losses["loss"], Contrastive(temperature=0.5).losses(batch)["loss"])


@pytest.mark.parametrize("alpha", [-0.1, 2, float("nan")])
def test_a_share_is_from_0_to_1(alpha: float):
    with pytest.raises(LabradorError, match=f"^alpha={alpha}: a share from 0 to 1 was expected"):
        PassageCentric(alpha=alpha)


def test_a_temperature_must_be_positive():
    with pytest.raises(LabradorError, match=r"^temperature=0\.0: "):
        PassageCentric(temperature=0.0)
