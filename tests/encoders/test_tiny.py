"""The encoder of the tests is itself deterministic."""

import numpy as np
import pytest
import torch

from labrador.encoders.tiny import Tiny, vocabulary
from labrador.encoders.tokens import pad, tokenize
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError


def vectors(encoder: Tiny) -> torch.Tensor:
    towers = load_towers(encoder)
    ids = [np.asarray(row) for row in tokenize(encoder.tokenizer(), ["sled dogs", "a cold sea"], 64)]
    with torch.inference_mode():
        return towers.encode("query", *pad(ids, towers.pad_id))


def test_the_seed_decides_the_vectors_whatever_torch_drew_before(tiny):
    first = vectors(tiny)
    torch.manual_seed(99)
    assert torch.equal(first, vectors(tiny))
    assert not torch.allclose(first, vectors(Tiny(pooling="mean", normalize=True, shared=True, weights_seed=1)))


def test_building_leaves_the_callers_generator_alone(tiny):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    load_towers(tiny)
    assert torch.equal(torch.rand(1), expected)


def test_words_split_into_pairs_of_letters(tiny):
    pieces = tiny.tokenizer().tokenize("Café, huskies!")
    assert pieces == ["ca", "##fe", ",", "hu", "##sk", "##ie", "##s", "!"]


def test_vocabulary_has_no_repeats_and_fits_two_bytes():
    assert len(set(vocabulary())) == len(vocabulary()) < 1 << 16


def test_fingerprints_differ_when_the_weights_do():
    prints = {Tiny(**fields).fingerprint() for fields in ({}, {"weights_seed": 1}, {"hidden": 16}, {"layers": 1})}
    assert len(prints) == 4
    assert Tiny().tokenizer_fingerprint() == Tiny(weights_seed=1).tokenizer_fingerprint()
    assert Tiny().fingerprint() == Tiny(pooling="mean").fingerprint()


def test_heads_must_divide_the_width():
    with pytest.raises(LabradorError, match=r"^hidden=32: expected a multiple of heads=3"):
        Tiny(heads=3)
