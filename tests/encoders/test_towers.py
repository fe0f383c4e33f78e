"""Pooling, projection, towers, and what is saved."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.model_files import quietly
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import pad, tokenize
from labrador.encoders.towers import load_towers, pool
from labrador.errors import LabradorError

STATES = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [50.0, 50.0]], [[4.0, 0.0], [0.0, 2.0], [2.0, 1.0]]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


def inputs(encoder):
    ids = [np.asarray(row) for row in tokenize(encoder.tokenizer(), ["a dog", "the cold northern sea", ""], 32)]
    return pad(ids, 0)[:2]


def test_pooling_by_hand():
    assert pool(STATES, MASK, "cls").tolist() == [[1.0, 2.0], [4.0, 0.0]]
    assert pool(STATES, MASK, "mean").tolist() == [[2.0, 4.0], [2.0, 1.0]]
    assert pool(STATES, None, "mean").tolist() == [[18.0, torch.tensor(58 / 3).item()], [2.0, 1.0]]


def test_pooling_is_done_in_float32():
    states = torch.full((1, 1000, 1), 1.001, dtype=torch.bfloat16)  # bfloat16 sums stop growing at 256
    assert pool(states, torch.ones(1, 1000), "mean").item() == states[0, 0, 0].item()


def test_padding_does_not_change_a_vector(tiny):
    towers = load_towers(tiny)
    ids, mask = inputs(tiny)
    together = towers.encode("passage", ids, mask)
    for row, length in enumerate(mask.sum(dim=1)):
        alone = towers.encode("passage", ids[row : row + 1, :length], None)
        assert torch.allclose(together[row], alone[0], atol=1e-6)
    assert torch.allclose(together.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_vector_is_the_models_pooled_states(pooling):
    encoder = Tiny(pooling=pooling)
    towers, (ids, mask) = load_towers(encoder), inputs(encoder)
    states = encoder.load_model()(input_ids=ids, attention_mask=mask).last_hidden_state
    expected = (
        states[:, 0]
        if pooling == "cls"
        else torch.stack([s[: m.sum()].mean(0) for s, m in zip(states, mask, strict=True)])
    )
    assert torch.allclose(towers.encode("query", ids, mask), expected, atol=1e-6)


def test_projection_is_a_linear_layer_after_the_pooling():
    plain, projected = load_towers(Tiny()), load_towers(Tiny(projection=3))
    ids, mask = inputs(Tiny())
    layer = projected.query.projection
    expected = plain.encode("query", ids, mask) @ layer.weight.T + layer.bias
    assert projected.dimension == 3
    assert torch.allclose(projected.encode("query", ids, mask), expected, atol=1e-5)
    assert torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
    assert torch.equal(layer.weight, projected.passage.projection.weight)
    assert torch.equal(layer.weight, load_towers(Tiny(projection=3)).query.projection.weight)


def test_shared_towers_are_one_and_separate_towers_start_alike():
    shared, separate = load_towers(Tiny(shared=True)), load_towers(Tiny(shared=False))
    ids, mask = inputs(Tiny())
    assert shared.query is shared.passage
    assert sum(p.numel() for p in separate.parameters()) == 2 * sum(p.numel() for p in shared.parameters())
    assert torch.equal(separate.encode("query", ids, mask), separate.encode("passage", ids, mask))
    with torch.no_grad():
        next(separate.query.parameters()).mul_(2.0)
    assert not torch.allclose(separate.encode("query", ids, mask), separate.encode("passage", ids, mask))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("projection", [None, 4])
def test_saved_towers_load_as_they_were(tmp_path, shared, projection):
    encoder = Tiny(shared=shared, projection=projection)
    towers, (ids, mask) = load_towers(encoder), inputs(encoder)
    with torch.no_grad():  # as if trained: the two towers differ, and from the start
        for number, parameter in enumerate(towers.parameters()):
            parameter.add_(0.01 * (number % 7 - 3))
    towers.save(tmp_path)
    checkpoint = Checkpoint(encoder, tmp_path, "key")
    loaded = checkpoint.towers()
    assert not loaded.training
    for side in ("query", "passage"):
        assert torch.equal(towers.encode(side, ids, mask), loaded.encode(side, ids, mask))
    assert torch.equal(loaded.encode("query", ids, mask), loaded.encode("passage", ids, mask)) == shared


def test_a_checkpoint_without_a_folder_is_the_encoder_as_it_comes(tiny):
    ids, mask = inputs(tiny)
    towers = Checkpoint(tiny, None, "key").towers()
    assert torch.equal(towers.encode("query", ids, mask), load_towers(tiny).encode("query", ids, mask))


def test_automodel_reads_what_is_saved(tmp_path):
    encoder = Tiny()
    towers, (ids, mask) = load_towers(encoder), inputs(encoder)
    towers.save(tmp_path)
    with quietly():
        model = AutoModel.from_pretrained(tmp_path / "passage_encoder", add_pooling_layer=False).eval()
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "query_encoder")
    states = model(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
    assert torch.equal(states, towers.encode("passage", ids, mask))
    assert tokenizer("a cold sea")["input_ids"] == encoder.tokenizer()("a cold sea")["input_ids"]


def test_a_missing_projection_is_reported(tmp_path):
    load_towers(Tiny(shared=True)).save(tmp_path)
    with pytest.raises(LabradorError, match=r"projection\.safetensors: missing"):
        load_towers(Tiny(shared=True, projection=4), tmp_path)
