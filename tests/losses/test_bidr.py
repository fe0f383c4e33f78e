"""The layer of learned product quantization, and BiDR's objectives, on worked numbers and against plain loops."""

import math

import pytest
import torch
from losses.batches import alone

from labrador.errors import SettingError
from labrador.losses.bidr import (
    CODEBOOKS,
    ROTATION,
    SKEW,
    BiDRLoss,
    UnifiedQueryLoss,
    distances,
    quantize,
    turned,
    usual_codebooks,
)
from labrador.losses.module import ObjectiveModule


def batch(queries, passages, positives, **more):
    return alone(torch.as_tensor(queries), torch.as_tensor(passages), positives, **more)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(size, seed=1):
    return torch.linalg.qr(drawn(size, size, seed=seed)).Q


def by_loop(z, codebooks, sharpness):
    """Sub-space by sub-space, codeword by codeword: what the layer is defined to be."""
    rows = []
    for vector in z:
        parts = []
        for codewords, part in zip(codebooks, vector.split(codebooks.shape[2]), strict=True):
            away = torch.stack([(part - codeword).square().sum() for codeword in codewords])
            soft = torch.softmax(-sharpness * away, dim=0)
            hard = torch.zeros(len(codewords), dtype=z.dtype)
            hard[away.argmin()] = 1.0
            weights = hard + soft - soft.detach()
            parts.append(sum(weight * codeword for weight, codeword in zip(weights, codewords, strict=True)))
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def test_distances_are_squared_and_of_every_codeword():
    codebooks = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]])
    assert distances(torch.tensor([[1.0, 0.0, 2.0, 1.0]]), codebooks).tolist() == [[[1.0, 1.0], [1.0, 8.0]]]


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 20.0])
def test_the_layer_and_its_gradients_are_those_of_the_plain_loop(sharpness):
    grads = []
    for layer in (quantize, by_loop):
        z, codebooks = drawn(5, 12).requires_grad_(), drawn(3, 7, 4, seed=1).requires_grad_()
        coded = layer(z, codebooks, sharpness)
        (coded * drawn(5, 12, seed=2)).sum().backward()
        grads.append((coded.detach(), z.grad, codebooks.grad))
    for ours, plain in zip(*grads, strict=True):
        torch.testing.assert_close(ours, plain)
    assert grads[0][1].abs().max() > 1e-3


def test_the_layer_gives_codewords_to_the_last_bit():
    z, codebooks = drawn(50, 8).float(), drawn(2, 16, 4, seed=1).float()
    coded = quantize(z, codebooks)
    codewords = {tuple(codeword) for codeword in codebooks.reshape(-1, 4).tolist()}
    assert {tuple(part) for part in coded.reshape(-1, 4).tolist()} <= codewords


def test_a_turned_rotation_is_one_and_starts_as_it_was():
    base = rotation(6)
    torch.testing.assert_close(turned(base, torch.zeros(6, 6, dtype=torch.float64)), base, rtol=0, atol=0)
    other = turned(base, drawn(6, 6, seed=3))
    torch.testing.assert_close(other @ other.T, torch.eye(6, dtype=torch.float64))
    assert (other - base).abs().max() > 0.1
    assert torch.autograd.gradcheck(lambda skew: turned(base, skew), drawn(6, 6, seed=3).requires_grad_())


def module(state=None, dimension=2, **settings):
    """The trainable objective with the given rotation and codewords."""
    made = ObjectiveModule(BiDRLoss(**{"codebooks": 1, "centroids": 2} | settings), dimension).double()
    made.start_from({name: value.numpy() for name, value in (state or {}).items()})
    return made


def test_the_losses_of_worked_numbers():
    # a quarter turn: R (x, y) = (-y, x); both passages, turned, are nearest to the codeword (0, 1) and (0, -2)
    state = {
        ROTATION: torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64),
        CODEBOOKS: torch.tensor([[[0.0, 1.0], [0.0, -2.0]]], dtype=torch.float64),
    }
    inputs = batch([[1.0, 0.0]], [[1.5, 0.0], [-1.0, 0.0]], [0])
    inputs = batch(inputs.queries.double(), inputs.passages.double(), [0])
    losses = module(state, reconstruction=0.5)(inputs)
    assert losses["dense"].item() == pytest.approx(math.log(1 + math.exp(-1.0 - 1.5)))
    assert losses["sparse"].item() == pytest.approx(math.log(1 + math.exp(-2.0 - 1.0)))  # R q = (0, 1)
    # positive: (0, 1.5) is half away from (0, 1); negative: (0, -1) is 1 away from (0, -2)
    assert losses["reconstruction"].item() == pytest.approx(0.25 + 1.0)
    total = losses["dense"] + losses["sparse"] + 0.5 * losses["reconstruction"]
    assert losses["loss"].item() == pytest.approx(total.item())
    assert "reconstruction" not in module(state)(inputs)


def test_the_quantization_error_is_that_of_positives_and_of_hard_negatives():
    """Of BiDR's code: the mean over the positives plus the mean over the negatives. Errors by hand: 0.25, 4, 0, 0.04;
    the last two passages are the hard negatives.
    """
    state = {ROTATION: torch.eye(2), CODEBOOKS: torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])}
    passages = torch.tensor([[0.0, 1.5], [3.0, 0.0], [1.0, 0.0], [0.0, 0.8]], dtype=torch.float64)
    inputs = batch(torch.ones(2, 2).double(), passages, [1, 0], drawn=[2, 3])
    losses = module(state, reconstruction=0.5)(inputs)
    assert losses["reconstruction"].tolist() == pytest.approx([4.0 + 0.02, 0.25 + 0.02])
    assert losses["reconstruction"].mean().item() == pytest.approx((0.25 + 4) / 2 + (0 + 0.04) / 2)
    without = batch(torch.ones(2, 2).double(), passages[:2], [1, 0])
    assert module(state, reconstruction=0.5)(without)["reconstruction"].tolist() == pytest.approx([4.0, 0.25])


def test_the_gradient_of_the_quantization_error_reaches_the_negatives():
    inputs = batch(torch.zeros(1, 2).double(), drawn(2, 2).requires_grad_(), [0])
    objective = module({CODEBOOKS: drawn(1, 4, 2, seed=2)}, codebooks=1, centroids=4, reconstruction=1.0)
    objective(inputs)["reconstruction"].sum().backward()
    assert inputs.passages.grad[1].abs().max() > 1e-3


def test_another_positive_of_a_query_never_counts_against_it():
    queries, passages = drawn(3, 4), drawn(6, 4, seed=1)
    masked = torch.zeros(3, 6, dtype=torch.bool)
    masked[0, 4] = masked[1, 0] = True  # passage 4 is one more positive of query 0, passage 0 is shared by 0 and 1
    objective = module({CODEBOOKS: drawn(2, 8, 2, seed=2)}, 4, codebooks=2, centroids=8)
    before = objective(batch(queries, passages, [0, 1, 2], masked=masked))
    moved = passages.clone()
    moved[4] = 10 * queries[0]  # far better than its own positive
    after = objective(batch(queries, moved, [0, 1, 2], masked=masked))
    for name in ("dense", "sparse"):
        assert after[name][0].item() == pytest.approx(before[name][0].item())
        assert after[name][2].item() != pytest.approx(before[name][2].item())


def test_a_rotation_is_trained_only_where_it_is_asked_for():
    inputs = batch(drawn(3, 4), drawn(6, 4, seed=1), [0, 1, 2])
    for trained in (False, True):
        objective = module(dimension=4, codebooks=2, train_rotation=trained, layer_learning_rate=0.1)
        groups = objective.parameter_groups()
        assert [group["lr"] for group in groups] == pytest.approx([0.1, 0.01] if trained else [0.1])
        assert all(group["weight_decay"] == 0 for group in groups)
        objective(inputs)["loss"].sum().backward()
        assert (objective.skew.grad is not None) == trained


def test_a_state_of_other_codebooks_is_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        module({CODEBOOKS: drawn(1, 4, 2)})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        module({"layer": drawn(2, 2)})
    assert set(module().state_dict()) == {ROTATION, SKEW, CODEBOOKS}


def test_the_terms_of_the_unified_query_have_negatives_of_their_own():
    """Passages: two positives, one drawn by the sampler, one lexical, one that is both."""
    queries, dense, decoded = drawn(2, 3), drawn(5, 3, seed=1), drawn(5, 3, seed=2)
    masked = torch.zeros(2, 5, dtype=torch.bool)
    masked[0, 4] = True  # one more positive of the first query
    inputs = batch(queries, dense, [0, 1], masked=masked, drawn=[2, 4], lexical=[3, 4], decoded=decoded)
    losses = UnifiedQueryLoss(temperature=0.5).losses(inputs, {})
    columns = {"sparse": [[0, 1, 3], [0, 1, 3, 4]], "dense": [[0, 1, 2], [0, 1, 2, 4]]}
    for name, vectors in (("sparse", decoded), ("dense", dense)):
        for row in range(2):
            scores = [float(queries[row] @ vectors[column]) / 0.5 for column in columns[name][row]]
            expected = math.log(sum(map(math.exp, scores))) - scores[row]
            assert losses[name][row].item() == pytest.approx(expected), (name, row)
    torch.testing.assert_close(losses["loss"], losses["sparse"] + losses["dense"])


def test_the_unified_query_is_scored_against_codes_and_dense_vectors():
    query, codes, dense = [[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, -1.0]]
    inputs = batch(query, dense, [0], lexical=[1], decoded=torch.tensor(codes))
    losses = UnifiedQueryLoss(temperature=0.5).losses(inputs, {})
    assert losses["sparse"].item() == pytest.approx(math.log(1 + math.exp((2.0 - 1.0) / 0.5)), abs=1e-6)
    assert losses["dense"].item() == pytest.approx(math.log(1 + math.exp((-2.0 - 0.5) / 0.5)), abs=1e-6)
    assert losses["loss"].item() == pytest.approx(losses["sparse"].item() + losses["dense"].item())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature=0: expected a number > 0"),
        ({"sharpness": -1.0}, "sharpness=-1: "),
        ({"layer_learning_rate": math.inf}, "layer_learning_rate=inf"),
        ({"reconstruction": -1.0}, "reconstruction=-1: expected a number >= 0"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        BiDRLoss(codebooks=2, **settings)


def test_what_is_left_open_is_decided_by_the_encoder_and_by_what_codewords_start_from():
    def decided(normalized, opq, **settings):
        loss = BiDRLoss(**settings).resolved(64, normalized=normalized, opq=opq)
        return loss.codebooks, loss.sharpness, loss.reconstruction

    assert decided(True, True) == (8, 64.0, 0.0)
    assert decided(True, False, codebooks=4) == (4, 32.0, 1e-6)
    assert decided(False, False) == (8, 1.0, 1e-6)
    assert decided(True, True, sharpness=2.0, reconstruction=0.5) == (8, 2.0, 0.5)


def test_codebooks_are_one_for_every_8_dimensions_or_as_many_as_divide_them():
    assert [usual_codebooks(dimension) for dimension in (4, 13, 32, 50, 52, 384, 768)] == [1, 1, 4, 5, 4, 48, 96]
