"""PAIR's passage-centric loss: hand-worked numbers, a plain loop, and what a step on it changes."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses.batches import alone

from labrador.errors import SettingError
from labrador.losses.base import Batch, Everyone
from labrador.losses.contrastive import Contrastive, info_nce
from labrador.losses.pair import PAIRLoss, passage_nce


def random_batch(queries: int, passages: int, seed: int) -> Batch:
    """Random vectors [., 4] in double precision, random positives, other positives and hard negatives.

    Some positives are shared, some are hard negatives of others, some hard negatives are other positives.
    """
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(queries, 4, generator=generator, dtype=torch.float64)
    p = torch.randn(passages, 4, generator=generator, dtype=torch.float64)
    positives = torch.randint(0, passages, (queries,), generator=generator)
    masked = torch.rand(queries, passages, generator=generator) < 0.3
    masked[torch.arange(queries), positives] = False
    drawn = (torch.rand(passages, generator=generator) < 0.5).nonzero()[:, 0].tolist()
    return alone(q, p, positives, masked, drawn=drawn)


QUERIES = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
PASSAGES = torch.tensor([[1.0, 1.0], [0.0, 3.0], [2.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)


def inputs(batch: Batch) -> tuple[torch.Tensor, ...]:
    return batch.queries, batch.passages, batch.positives, batch.masked


def log_sum(*scores: float) -> float:
    return math.log(sum(map(math.exp, scores)))


def test_hand_worked_numbers():
    """With temperature 0.5; the hard negatives are (2, 0) and (-1, 1). First: its positive (1, 1) meets the queries
    with 2 and 4, the hard negatives with 4 and 0. Second: (0, 3) meets the queries with 0 and 12, these with 0 and 6.
    Neither meets the other's positive (6), nor itself.
    """
    losses = passage_nce(alone(QUERIES, PASSAGES, [0, 1]), 0.5)
    assert losses.tolist() == pytest.approx([log_sum(2, 4, 4, 0) - 2, log_sum(0, 12, 0, 6) - 12], rel=1e-5)


def test_the_label_is_the_query_and_not_the_row_of_the_positive():
    """The first query's positive is (0, 3): 0, 6 and (2, 0) 0, (-1, 1) 3; the second's (1, 1): 1, 2 and 2, 0."""
    losses = passage_nce(alone(QUERIES, PASSAGES, [1, 0]), 1.0)
    assert losses.tolist() == pytest.approx([log_sum(0, 6, 0, 3), log_sum(1, 2, 2, 0) - 2], rel=1e-5)


def test_other_positives_are_not_in_it():
    """Whatever becomes of the other's positive, the loss stays; L_Q moves."""
    moved = PASSAGES.clone()
    moved[1] = torch.tensor([9.0, 9.0])
    before, after = (passage_nce(alone(QUERIES, passages, [0, 1]), 1.0) for passages in (PASSAGES, moved))
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_queries_that_share_their_positive_are_not_wrong_for_it():
    """(1, 1) meets its queries with 1 and 2; each time the other query is left out, the hard negatives are 3, 2, 0."""
    losses = passage_nce(alone(QUERIES, PASSAGES, [0, 0]), 1.0)
    assert losses.tolist() == pytest.approx([log_sum(1, 3, 2, 0) - 1, log_sum(2, 3, 2, 0) - 2], rel=1e-6)


def test_a_query_of_which_it_is_one_more_positive_is_not_wrong_for_it_either():
    masked = torch.zeros(2, 4, dtype=torch.bool)
    masked[1, 0] = True  # the first query's positive is another positive of the second
    losses = passage_nce(alone(QUERIES, PASSAGES, [0, 1], masked), 1.0)
    assert losses.tolist() == pytest.approx([log_sum(1, 2, 0) - 1, log_sum(0, 6, 0, 3) - 6], rel=1e-6)


def test_a_hard_negative_that_is_a_positive_of_the_query_counts_for_nothing():
    masked = torch.tensor([[False, False, True, False], [False] * 4])
    losses = passage_nce(alone(QUERIES, PASSAGES, [0, 1], masked), 1.0)
    assert losses.tolist() == pytest.approx([log_sum(1, 2, 0) - 1, log_sum(0, 6, 0, 3) - 6], rel=1e-6)


def test_a_positive_that_is_drawn_for_another_query_meets_that_query_and_not_itself():
    """(1, 1) is a hard negative of the second query: in its softmax (3), but never against itself (2)."""
    losses = passage_nce(alone(QUERIES, PASSAGES, [0, 1], drawn=[0, 2]), 1.0)
    assert losses.tolist() == pytest.approx([log_sum(1, 2, 2) - 1, log_sum(0, 6, 3, 0) - 6], rel=1e-6)


def test_one_query_without_a_hard_negative_has_nothing_to_learn():
    assert passage_nce(alone(QUERIES[:1], PASSAGES[:1], [0]), 1.0).tolist() == [0.0]


def test_without_the_other_queries_there_is_no_such_loss():
    with pytest.raises(ValueError, match="without its other queries"):
        passage_nce(replace(alone(QUERIES, PASSAGES, [0, 1]), everyone=None), 1.0)
    assert PAIRLoss().crosses_queries
    assert not PAIRLoss(alpha=0.0).crosses_queries


def by_loop(batch: Batch, temperature: float) -> torch.Tensor:
    """What the loss is defined to be, query by query and text by text."""
    losses = []
    relevant = batch.masked.clone()
    relevant[torch.arange(len(batch.queries)), batch.positives] = True
    for row, positive in enumerate(batch.positives.tolist()):
        centre = batch.passages[positive]
        scores = [centre @ batch.queries[row]]
        for other in range(len(batch.queries)):
            if other != row and not relevant[other, positive]:
                scores.append(centre @ batch.queries[other])
        for passage in range(len(batch.passages)):
            if batch.roles.drawn[passage] and not relevant[row, passage]:
                scores.append(centre @ batch.passages[passage])
        losses.append(-torch.log_softmax(torch.stack(scores) / temperature, dim=0)[0])
    return torch.stack(losses)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 10_000), st.sampled_from([0.05, 0.7, 1.0]))
def test_losses_and_gradients_equal_those_of_a_plain_loop(queries: int, passages: int, seed: int, temperature: float):
    batch = random_batch(queries, passages, seed)
    everyone = Everyone(batch.queries.requires_grad_(), batch.everyone.own, batch.everyone.shared)
    batch = replace(batch, passages=batch.passages.requires_grad_(), everyone=everyone)
    found, expected = passage_nce(batch, temperature), by_loop(batch, temperature)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    weights = torch.arange(1.0, queries + 1).double()
    for one, other in zip(
        *(
            torch.autograd.grad((losses * weights).sum(), (batch.queries, batch.passages), materialize_grads=True)
            for losses in (found, expected)
        ),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


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
    loss = passage_nce(alone(query, passages, [0]), temperature)
    gradients = torch.autograd.grad(loss.sum(), (query, positive, negative))
    size = sum(float(gradient.norm()) for gradient in gradients)
    with torch.no_grad():
        for vector, gradient in zip((query, positive, negative), gradients, strict=True):
            vector -= 1e-4 * gradient / (size or 1.0)  # a step of a fixed length, or none where a gradient underflows
    assert gap() > before or size < 1e-12


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("size", [1e-6, 300.0, 1e4])
def test_extreme_scores_give_finite_losses_and_gradients(alpha: float, size: float):
    """Up to 2e9 after the temperature, with all other passages of a query masked besides."""
    queries = torch.tensor([[size, 0.0], [0.0, -size]], requires_grad=True)
    passages = torch.tensor([[size, size], [-size, size], [size, 0.0]], requires_grad=True)
    masked = torch.tensor([[False, True, True], [False, False, False]])
    losses = PAIRLoss(temperature=0.05, alpha=alpha).losses(alone(queries, passages, [0, 1], masked), {})
    losses["loss"].sum().backward()
    assert all(torch.isfinite(values).all() for values in (*losses.values(), queries.grad, passages.grad))


def test_the_component_mixes_both_losses_over_one_temperature():
    batch = random_batch(5, 7, seed=1)
    query, passage = info_nce(*inputs(batch), 0.5), passage_nce(batch, 0.5)
    losses = PAIRLoss(temperature=0.5, alpha=0.25).losses(batch, {})
    assert losses.keys() == {"loss", "query", "passage"}
    torch.testing.assert_close(losses["loss"], 0.75 * query + 0.25 * passage)
    assert torch.equal(losses["query"], query)
    assert torch.equal(losses["passage"], passage)
    assert PAIRLoss().alpha == 0.1


def test_a_loss_without_a_share_is_not_computed(monkeypatch: pytest.MonkeyPatch):
    batch = random_batch(5, 7, seed=2)
    passage = passage_nce(batch, 0.5)
    monkeypatch.setattr("labrador.losses.contrastive.info_nce", None)
    losses = PAIRLoss(temperature=0.5, alpha=1.0).losses(batch, {})
    assert losses.keys() == {"loss", "passage"}
    assert torch.equal(losses["loss"], passage)
    monkeypatch.undo()
    monkeypatch.setattr("labrador.losses.pair.passage_nce", None)
    losses = PAIRLoss(temperature=0.5, alpha=0.0).losses(batch, {})
    assert losses.keys() == {"loss", "query"}
    assert torch.equal(losses["loss"], Contrastive(temperature=0.5).losses(batch, {})["loss"])


@pytest.mark.parametrize("alpha", [-0.1, 2.0, float("nan")])
def test_a_share_is_from_0_to_1(alpha: float):
    with pytest.raises(SettingError, match=r"^alpha=.*: expected a (finite )?number from 0 to 1"):
        PAIRLoss(alpha=alpha)


def test_a_temperature_must_be_positive():
    with pytest.raises(SettingError, match=r"^temperature=0: expected a number > 0"):
        PAIRLoss(temperature=0.0)
