"""Questions encoded in numpy are those that transformers encodes."""

import importlib.util
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import RobertaConfig, RobertaModel

from labrador.encoders import minilm
from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.hub import HubEncoder
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.numpy_bert import NumpyBert, gelu, question_encoder, with_transformers
from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers

TEXTS = ["who keeps the red fox", "", "Ünïcode, punctuation?! and 1,234", "a very long question " * 60]


def trained(folder, encoder):
    """The encoder's towers as a training leaves them, with weights of a size at which rounding would show."""
    towers = load_towers(encoder)
    with torch.no_grad():
        for parameter in towers.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    towers.save(folder)
    return Checkpoint(encoder, folder, "key")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pooling": "cls", "normalize": True},
        {"pooling": "mean", "shared": True, "query_prefix": "query: "},
        {"projection": 12, "max_query_length": 9, "layers": 3, "heads": 4},
    ],
)
def test_vectors_are_those_of_transformers(tmp_path, settings):
    torch.manual_seed(0)
    checkpoint = trained(tmp_path, Tiny(**settings))
    encode = question_encoder(checkpoint)
    assert isinstance(encode, NumpyBert)
    theirs = with_transformers(checkpoint)(TEXTS)
    ours = encode(TEXTS)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() < 1e-5 * max(1, np.abs(theirs).max())


@pytest.mark.skipif(importlib.util.find_spec(minilm.PACKAGE) is None, reason=f"{minilm.PACKAGE} is not installed")
def test_minilm_as_it_comes():
    encoder = BundledMiniLM(pooling="mean", normalize=True, shared=True, max_query_length=64)
    checkpoint = Checkpoint(encoder, None, "key")
    encode = question_encoder(checkpoint)
    assert isinstance(encode, NumpyBert)
    assert np.abs(encode(TEXTS) - with_transformers(checkpoint)(TEXTS)).max() < 1e-5


def roberta(folder, **changes):
    """A small RoBERTa with the tiny encoder's tokenizer."""
    tokenizer = Tiny().tokenizer()
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=80, type_vocab_size=1, pad_token_id=0, **sizes
    )
    torch.manual_seed(0)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if changes:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return HubEncoder(model=str(folder), max_query_length=32, max_passage_length=32)


def test_roberta_numbers_its_positions_after_the_padding(tmp_path):
    checkpoint = Checkpoint(roberta(tmp_path), None, "key")
    encode = question_encoder(checkpoint)
    assert isinstance(encode, NumpyBert)
    assert np.abs(encode(TEXTS) - with_transformers(checkpoint)(TEXTS)).max() < 1e-5


@pytest.mark.parametrize("changes", [{"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}])
def test_another_kind_of_bert_is_left_to_transformers(tmp_path, changes):
    checkpoint = Checkpoint(roberta(tmp_path, **changes), None, "key")
    assert not isinstance(question_encoder(checkpoint), NumpyBert)


def test_half_precision_is_left_to_transformers(tmp_path):
    encoder = roberta(tmp_path)
    weights = tmp_path / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(weights).items()}, weights, {"format": "pt"})
    assert NumpyBert.of(tmp_path, encoder) is None


def test_an_encoder_without_a_folder_is_left_to_transformers():
    encode = question_encoder(Checkpoint(Tiny(), None, "key"))
    assert not isinstance(encode, NumpyBert)
    assert encode(["a question"]).shape == (1, 32)


def test_gelu_is_the_exact_one():
    x = np.linspace(-6, 6, 2001, dtype=np.float32)
    exact = [value / 2 * (1 + math.erf(value / math.sqrt(2))) for value in x.tolist()]
    assert np.abs(gelu(x) - exact).max() < 1e-6
