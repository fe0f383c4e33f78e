"""BPR's loss: its functions on numbers worked out by hand, what it adds up, on which scale, and its ablations."""

import math

import pytest
import torch
from losses.batches import alone

from labrador.errors import SettingError
from labrador.losses.bpr import LAYER, BPRLoss, beta, margin_ranking, scaled_tanh, sign, straight_through
from labrador.losses.module import ObjectiveModule
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


def batch(queries, passages, positives, step=0, masked=None):
    return alone(torch.as_tensor(queries), torch.as_tensor(passages), positives, masked, step)


def cosine(**settings):
    """The loss for vectors of length 1, without the dense one unless it is set."""
    return BPRLoss(**{"temperature": 0.05, "dense_loss": "none"} | settings).resolved(normalized=True)


@pytest.fixture
def random_batch():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(11, 8, generator=generator, dtype=torch.float64), dim=1)
    return batch(vectors[:3], vectors[3:], [0, 1, 2], step=100)


def test_unnormalised_products_are_the_papers():
    # one query, its positive and one negative in two dimensions; beta is 2 at step 30 with gamma 0.1
    module = ObjectiveModule(BPRLoss(), 2)
    losses = module(batch([[1.0, -0.5]], [[0.5, 0.25], [-1.0, -2.0]], [0], step=30))
    t = math.tanh
    query, positive, negative = (t(2.0), t(-1.0)), (t(1.0), t(0.5)), (t(-2.0), t(-4.0))
    product = [query[0] * code[0] + query[1] * code[1] for code in (positive, negative)]
    assert losses["candidates"].item() == pytest.approx(max(0.0, product[1] - product[0] + 0.1))
    score = [1.0 * code[0] - 0.5 * code[1] for code in (positive, negative)]
    assert losses["rerank"].item() == pytest.approx(math.log(1 + math.exp(score[1] - score[0])))
    assert losses["loss"].item() == pytest.approx(losses["candidates"].item() + losses["rerank"].item())


def test_normalised_products_are_cosines(random_batch):
    module = ObjectiveModule(cosine(temperature=0.5, alpha=0.1), 8).double()
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
    module = ObjectiveModule(cosine(bits=16), 8).double()
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
    module = ObjectiveModule(cosine(**settings), 8).double()
    losses = module(random_batch)
    assert set(losses) == {"loss", *parts}
    torch.testing.assert_close(losses["loss"], sum(losses[name] for name in parts))
    losses["loss"].sum().backward()
    assert module.layer.grad.abs().sum() > 0


def test_cross_entropy_of_codes_in_place_of_the_margin(random_batch):
    losses = ObjectiveModule(cosine(candidate_loss="cross_entropy", gamma=0.0, temperature=0.5), 8).double()(
        random_batch
    )
    codes = [torch.tanh(8**0.5 * x) for x in (random_batch.queries, random_batch.passages)]
    expected = -torch.log_softmax(codes[0] @ codes[1].T / 8 / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["candidates"], expected)


def test_the_dense_loss_is_that_of_the_vectors_themselves(random_batch):
    losses = ObjectiveModule(cosine(dense_loss="cross_entropy", bits=16, temperature=0.5), 8).double()(random_batch)
    expected = -torch.log_softmax(random_batch.queries @ random_batch.passages.T / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["dense"], expected)


def test_straight_through_scores_the_signs_themselves(random_batch):
    losses = ObjectiveModule(cosine(relaxation="straight_through", temperature=0.5), 8).double()(random_batch)
    codes = sign(random_batch.passages)
    expected = -torch.log_softmax(random_batch.queries * 8**0.5 @ codes.T / 8 / 0.5, dim=1).diagonal()
    torch.testing.assert_close(losses["rerank"], expected)


def test_the_layer_starts_as_the_identity_or_as_orthonormal_rows_and_has_its_own_rate():
    module = ObjectiveModule(cosine(layer_learning_rate=0.5), 8)
    assert torch.equal(module.state_dict()[LAYER], torch.eye(8))
    (group,) = module.parameter_groups()
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.5, 0.0, 1)
    fewer = ObjectiveModule(cosine(bits=16), 32).state_dict()[LAYER]
    torch.testing.assert_close(fewer @ fewer.T, torch.eye(16))
    more = ObjectiveModule(cosine(bits=32), 16).state_dict()[LAYER]
    torch.testing.assert_close(more.T @ more, torch.eye(16))


def test_without_a_layer_there_is_nothing_to_learn_but_the_encoder():
    module = ObjectiveModule(BPRLoss(hash_layer="none"), 8)
    assert module.parameter_groups() == []
    assert not module.state_dict()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0: expected a number > 0"),
        ({"alpha": -1.0}, "alpha=-1: expected a number >= 0"),
        ({"gamma": float("nan")}, "gamma=nan"),
        ({"layer_learning_rate": 0.0}, "layer_learning_rate=0"),
        ({"bits": 12}, "bits=12: expected .*a multiple of 8"),
        ({"candidate_loss": "none", "rerank_loss": "none"}, "candidate_loss=none: expected another loss than none"),
        ({"bits": 16, "hash_layer": "none"}, "bits=16: expected null without a hash layer"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        BPRLoss(**settings)


def test_what_is_left_open_is_decided_by_whether_the_encoder_normalises():
    open_ = BPRLoss(bits=16)
    decided = open_.resolved(normalized=True)
    assert (decided.hash_layer, decided.products, decided.dense_loss) == ("linear", "cosine", "cross_entropy")
    with pytest.raises(SettingError, match="bits=16: expected null without a hash layer"):
        open_.resolved(normalized=False)
    decided = BPRLoss(dense_loss="cross_entropy").resolved(normalized=False)
    assert (decided.hash_layer, decided.products, decided.dense_loss) == ("none", "plain", "cross_entropy")
    assert BPRLoss(hash_layer="none").resolved(normalized=True).hash_layer == "none"
