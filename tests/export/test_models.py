"""Single models as sentence-transformers loads them: the bundled encoder, prefixes, and what joins title and text."""

import importlib.util

import numpy as np
import pytest
import torch

from labrador.encoders import minilm
from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.hub import HubEncoder
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Form, pad, tokenize
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError
from labrador.export.models import Model, joined, joiner, models, write_model

sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra `export`")

PASSAGES = [
    ("Sled dogs", "They pull sleds over snow and ice."),
    ("", "A passage without a title."),
    ("Long", "word " * 400),
    ("Ünïcode", "naïve café 犬 ⛷"),
]
QUESTIONS = ["what do sled dogs do", "?", "a very long question " * 50]


def vectors(checkpoint, side, texts):
    """What Labrador makes of texts."""
    encoder, towers = checkpoint.encoder, checkpoint.towers()
    length, prefix = getattr(encoder, f"max_{side}_length"), getattr(encoder, f"{side}_prefix")
    ids = [np.asarray(row) for row in tokenize(encoder.tokenizer(), texts, length, Form(prefix))]
    with torch.inference_mode():
        return towers.encode(side, *pad(ids, towers.pad_id)).numpy()


def check(checkpoint, folder):
    """Write and load the one model of a shared tower, and compare both sides."""
    (model,) = models("", checkpoint, checkpoint)
    write_model(model, folder)
    loaded = sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    between = joiner(checkpoint.encoder.tokenizer())
    passages = loaded.encode_document([joined(*passage, between) for passage in PASSAGES])
    assert np.abs(passages - vectors(checkpoint, "passage", PASSAGES)).max() < 1e-5
    questions = loaded.encode_query(QUESTIONS)
    assert np.abs(questions - vectors(checkpoint, "query", QUESTIONS)).max() < 1e-5
    plain = loaded.encode([QUESTIONS[1]])  # without a side: no prefix
    bare = checkpoint.encoder.query_prefix == checkpoint.encoder.passage_prefix == ""
    assert (np.abs(plain - questions[1:2]).max() < 1e-5) == bare
    assert not list(folder.rglob(".weights"))


@pytest.mark.skipif(importlib.util.find_spec(minilm.PACKAGE) is None, reason=f"{minilm.PACKAGE} is not installed")
def test_the_bundled_encoder(tmp_path):
    encoder = BundledMiniLM(pooling="mean", normalize=True, shared=True, max_query_length=64, max_passage_length=256)
    check(Checkpoint(encoder, None, "key"), tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "cls"},
        {"pooling": "mean", "normalize": True, "query_prefix": "ask: ", "passage_prefix": "read: "},
        {"projection": 12, "max_query_length": 9, "max_passage_length": 70},
    ],
)
def test_the_tiny_encoder(tmp_path, settings):
    check(Checkpoint(Tiny(shared=True, **settings), None, "key"), tmp_path)


def test_what_is_written_is_read_back_with_the_settings_it_asks_for(tmp_path):
    settings = {"pooling": "mean", "normalize": True, "query_prefix": "ask: "}
    settings |= {"max_query_length": 20, "max_passage_length": 128}
    ours = Checkpoint(Tiny(shared=True, **settings), None, "key")
    write_model(Model("", ours, ("query", "passage")), tmp_path)
    read = HubEncoder(model=str(tmp_path), shared=True, **settings)
    read.check()
    for side, texts in (("query", QUESTIONS), ("passage", PASSAGES)):
        assert np.abs(vectors(Checkpoint(read, None, "key"), side, texts) - vectors(ours, side, texts)).max() < 1e-6
    with pytest.raises(LabradorError) as raised:
        HubEncoder(model=str(tmp_path), max_query_length=21, max_passage_length=128).check()
    given = "encoder.pooling=mean encoder.normalize=true \"encoder.query_prefix='ask: '\" encoder.max_query_length=20"
    assert str(raised.value).endswith(f"set {given}")


def test_a_folder_whose_settings_are_met_gives_the_vectors_of_its_own_library(tmp_path):
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.base.modules.normalize import Normalize
    from sentence_transformers.sentence_transformer.modules.pooling import Pooling

    load_towers(Tiny(shared=True)).save(tmp_path)
    body = Transformer(str(tmp_path / "encoder"), max_seq_length=64)
    modules = [body, Pooling(32, "cls"), Normalize()]
    theirs = sentence_transformers.SentenceTransformer(modules=modules, device="cpu")
    theirs.save(str(tmp_path / "model"), create_model_card=False)
    read = HubEncoder(
        model=str(tmp_path / "model"), pooling="cls", normalize=True, max_query_length=64, max_passage_length=64
    )
    read.check()
    ours = vectors(Checkpoint(read, None, "key"), "query", QUESTIONS)
    assert np.abs(ours - theirs.encode_query(QUESTIONS)).max() < 1e-5


def test_one_tower_or_two():
    one, two = Checkpoint(Tiny(shared=True), None, "a"), Checkpoint(Tiny(shared=False), None, "a")
    other = Checkpoint(Tiny(shared=True), None, "b")  # one query encoder for both stages of BiDR
    assert models("", one, one) == [Model("", one, ("query", "passage"))]
    assert models("", two, two) == [Model("query", two, ("query",)), Model("passage", two, ("passage",))]
    assert [model.folder for model in models("verifier", other, one)] == ["verifier/query", "verifier/passage"]


def test_title_and_text_are_joined_as_the_tokenizer_joins_them():
    assert joiner(Tiny().tokenizer()) == "[SEP]"
    assert joined("Title", "text", "[SEP]") == "Title[SEP]text"
    assert joined("", "text", "[SEP]") == "text"
