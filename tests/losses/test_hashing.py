"""The objective of BPR: what it adds up, on which scale, and what its ablations leave out."""

import math

import pytest
import torch
from losses.batches import alone

from labrador.errors import LabradorError
from labrador.losses.binary import sign
from labrador.losses.hashing import LAYER, Hashing


def batch(queries, passages, positives, step=0, masked=None):
    return alone(torch.as_tensor(queries), torch.as_tensor(passages), positives, masked, step)


@pytest.fixture
def random_batch():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(11, 8, generator=generator, dtype=torch.float64), dim=1)
    return batch(vectors[:3], vectors[3:], [0, 1, 2], step=100)


def test_unnormalised_products_are_the_papers():
    # one query, its positive and one negative in two dimensions; beta is 2 at step 30 with gamma 0.1
    module = Hashing(layer=False, normalized=False, temperature=1.0).build(2)
    losses = module(batch([[1.0, -0.5]], [[0.5, 0.25], [-1.0, -2.0]], [0], step=30))
    t = math.tanh
    query, positive, negative = (t(2.0), t(-1.0)), (t(1.0), t(0.5)), (t(-2.0), t(-4.0))
    product = [query[0] * code[0] + query[1] * code[1] for code in (positive, negative)]
    assert losses["candidates"].item() == pytest.approx(max(0.0, product[1] - product[0] + 0.1))
    score = [1.0 * code[0] - 0.5 * code[1] for code in (positive, negative)]
    assert losses["rerank"].item() == pytest.approx(math.log(1 + math.exp(score[1] - score[0])))
    assert losses["loss"].item() == pytest.approx(losses["candidates"].item() + losses["rerank"].item())


def test_normalised_products_are_cosines(random_batch):
    module = Hashing(temperature=0.5, alpha=0.1).build(8).double()
    losses = module(random_batch)
    sharp = 11**0.5
    codes = [torch.tanh(sharp * 8**0.5 * x) for x in (random_batch.queries, random_batch.passages)]
    by_code = codes[0] @ codes[1].T / 8
    by_query = random_batch.queries * 8**0.5 @ codes[1].T / 8 / 0.5
    for query in range(3):
        others = [p for p in range(8) if p != query]
        hinges = [max(0.0, float(by_code[query, p] - by_code[query, query]) + 0.1) for p in others]
        assert losses["candidates"][query].item() == pytest.approx(sum(hinges) / 7 / 0.5)
        softmax = torch.log_softmax(by_query[query], dim=0)[query]
        assert losses["rerank"][query].item() == pytest.approx(-softmax.item())


def test_gradients_reach_vectors_and_layer_through_the_tanh(random_batch):
    module = Hashing(bits=16).build(8).double()
    weight = module.state_dict()[LAYER].clone().requires_grad_()

    def loss(queries, passages, weight):
        inputs = batch(queries, passages, [0, 1, 2], step=10)
        return torch.func.functional_call(module, {LAYER: weight}, (inputs,))["loss"]

    vectors = random_batch.queries.requires_grad_(), random_batch.passages.requires_grad_()
    assert torch.autograd.gradcheck(loss, (*vectors, weight))


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, {"candidates", "rerank"}),
        ({"candidate_loss": "none"}, {"rerank"}),
        ({"rerank_loss": "none"}, {"candidates"}),
        ({"candidate_loss": "cross_entropy"}, {"candidates", "rerank"}),
        ({"dense_loss": "cross_entropy"}, {"candidates", "rerank", "dense"}),
    ],
)
def test_an_ablation_leaves_its_loss_out(random_batch, settings, parts):
    module = Hashing(**settings).build(8).double()
    losses = module(random_batch)
    assert set(losses) == {"loss", *parts}
    torch.testing.assert_close(losses["loss"], sum(losses[name] for name in parts))
    losses["loss"].sum().backward()
    assert module.layer.weight.grad.abs().sum() > 0


def test_cross_entropy_of_codes_in_place_of_the_margin(random_batch):
    losses = Hashing(candidate_loss="cross_entropy", gamma=0.0, temperature=0.5).build(8).double()(random_batch)
    codes = [torch.tanh(8**0.5 * x) for x in (random_batch.queries, random_batch.passages)]
    expected = -torch.log_softmax(codes[0] @ codes[1].T / 8 / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["candidates"], expected)


def test_the_dense_loss_is_that_of_the_vectors_themselves(random_batch):
    losses = Hashing(dense_loss="cross_entropy", bits=16, temperature=0.5).build(8).double()(random_batch)
    expected = -torch.log_softmax(random_batch.queries @ random_batch.passages.T / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["dense"], expected)


def test_straight_through_scores_the_signs_themselves(random_batch):
    losses = Hashing(relaxation="straight_through", temperature=0.5).build(8).double()(random_batch)
    codes = sign(random_batch.passages)
    expected = -torch.log_softmax(random_batch.queries * 8**0.5 @ codes.T / 8 / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["rerank"], expected)


def test_the_layer_starts_as_the_identity_or_as_orthonormal_rows_and_has_its_own_rate():
    module = Hashing(layer_learning_rate=0.5).build(8)
    assert torch.equal(module.state_dict()[LAYER], torch.eye(8))
    (group,) = module.parameter_groups(1e-5, 0.1)
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.5, 0.0, 1)
    fewer = Hashing(bits=16).build(32).state_dict()[LAYER]
    torch.testing.assert_close(fewer @ fewer.T, torch.eye(16))
    more = Hashing(bits=32).build(16).state_dict()[LAYER]
    torch.testing.assert_close(more.T @ more, torch.eye(16))


def test_without_a_layer_there_is_nothing_to_learn_beside_the_encoder():
    module = Hashing(layer=False).build(8)
    assert module.parameter_groups(1e-5, 0.0) == []
    assert not module.state_dict()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0"),
        ({"alpha": -1.0}, "alpha=-1"),
        ({"gamma": float("nan")}, "gamma=nan"),
        ({"layer_learning_rate": 0.0}, "layer_learning_rate=0"),
        ({"candidate_loss": "none", "rerank_loss": "none"}, "at least one of the two losses"),
    ],
)
def test_settings_that_cannot_work_are_told(settings, message):
    with pytest.raises(LabradorError, match=message):
        Hashing(**settings)
