"""The functions that learning binary codes needs, on numbers worked out by hand."""

import pytest
import torch

from labrador.losses.binary import beta, margin_ranking, scaled_tanh, sign, straight_through
from labrador.quantizers.binary import pack, unpack


@pytest.mark.parametrize(("step", "expected"), [(0, 1.0), (1, 1.1**0.5), (100, 11**0.5)])
def test_the_tanh_sharpens_with_the_steps(step, expected):
    assert beta(step, 0.1) == pytest.approx(expected)
    assert beta(step, 0.0) == 1.0


def test_the_scaled_tanh_is_near_the_sign_where_it_is_sharp():
    x = torch.tensor([-2.0, -0.1, 0.0, 0.5])
    torch.testing.assert_close(scaled_tanh(x, 1.0), torch.tensor([-0.964028, -0.099668, 0.0, 0.462117]))
    torch.testing.assert_close(scaled_tanh(x, 1000.0), torch.tensor([-1.0, -1.0, 0.0, 1.0]))


def test_the_gradient_of_the_tanh_is_its_derivative():
    x = torch.linspace(-1.5, 1.5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: scaled_tanh(x, beta(100, 0.1)), x)


def test_the_sign_of_zero_is_plus_one_in_training_and_in_stored_codes():
    x = torch.tensor([[0.0, -0.0, 1e-30, -1e-30, 3.0, -3.0, 0.0, -1.0]])
    expected = [[1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]]
    assert sign(x).tolist() == expected
    assert straight_through(x).tolist() == expected
    assert unpack(pack(x.numpy())).tolist() == expected


def test_straight_through_has_the_gradient_of_tanh():
    """1 - tanh(x)^2: 1 at 0, 0.4199743 at 1, 0.0706508 at 2, whatever the step."""
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    (straight_through(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == pytest.approx([0.4199743, 2.0, 3 * 0.0706508], rel=1e-5)


def test_the_margin_loss_worked_out_by_hand():
    # first query: positive 5; negatives 3 (2 below: no loss), 5.5 (0.5 above + 0.1), 4.95 (0.05 below: 0.05 of loss)
    # second query: positive 1; 9 is another positive of it; negatives 1 (equal: 0.1) and 0 (no loss)
    scores = torch.tensor([[5.0, 3.0, 5.5, 4.95], [9.0, 1.0, 1.0, 0.0]], requires_grad=True)
    masked = torch.tensor([[False] * 4, [True, False, False, False]])
    losses = margin_ranking(scores, torch.tensor([0, 1]), masked, 0.1)
    torch.testing.assert_close(losses, torch.tensor([(0.6 + 0.05) / 3, 0.1 / 2]))
    losses.sum().backward()
    expected = torch.tensor([[-2 / 3, 0.0, 1 / 3, 1 / 3], [0.0, -1 / 2, 1 / 2, 0.0]])
    torch.testing.assert_close(scores.grad, expected)


def slowly(scores, positives, masked, margin):
    """The same loss pair by pair."""
    losses = []
    for query in range(len(scores)):
        best = scores[query, positives[query]]
        terms = [
            max(0.0, float(-(best - scores[query, passage]) + margin))
            for passage in range(scores.shape[1])
            if passage != positives[query] and not masked[query, passage]
        ]
        losses.append(sum(terms) / max(1, len(terms)))
    return torch.tensor(losses, dtype=scores.dtype)


@pytest.mark.parametrize(("queries", "passages"), [(1, 1), (2, 3), (7, 20), (16, 5)])
def test_the_margin_loss_is_that_of_a_loop_over_all_pairs(queries, passages):
    generator = torch.Generator().manual_seed(queries)
    scores = torch.randn(queries, passages, generator=generator, dtype=torch.float64)
    positives = torch.randint(passages, (queries,), generator=generator)
    masked = torch.rand(queries, passages, generator=generator) < 0.3
    masked[torch.arange(queries), positives] = False
    for margin in (0.0, 0.1, 2.0):
        torch.testing.assert_close(
            margin_ranking(scores, positives, masked, margin), slowly(scores, positives, masked, margin)
        )
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: margin_ranking(scores, positives, masked, 0.1), scores)


def test_a_query_without_negatives_has_no_loss():
    scores = torch.tensor([[2.0, 7.0]], requires_grad=True)
    loss = margin_ranking(scores, torch.tensor([0]), torch.tensor([[False, True]]), 0.1)
    loss.sum().backward()
    assert loss.item() == 0
    assert scores.grad.abs().sum() == 0
