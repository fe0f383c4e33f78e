"""Models by folder or hub name: their fingerprints, and the errors if they are unavailable."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from fnmatch import fnmatch

import numpy as np
import pytest
import torch
from transformers import ElectraConfig, ElectraModel, RobertaConfig, RobertaModel

from labrador.encoders.hub import HubEncoder
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import pad, tokenize
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError


@pytest.fixture
def folder(tmp_path):
    """A model folder as a user would have one."""
    load_towers(Tiny(shared=True)).save(tmp_path)
    return tmp_path / "encoder"


def saved(folder, model, positions):
    """Weights of `model` next to tiny's tokenizer."""
    model.save_pretrained(folder)
    tokenizer = Tiny().tokenizer()
    tokenizer.model_max_length = positions
    tokenizer.save_pretrained(folder)
    return HubEncoder(model=str(folder))


def test_a_folder_gives_the_vectors_it_was_saved_with(folder):
    encoder, original = HubEncoder(model=str(folder)), Tiny()
    ids = [np.asarray(row) for row in tokenize(encoder.tokenizer(), ["snow", "a sled"], 16)]
    assert ids[1].tolist() == tokenize(original.tokenizer(), ["a sled"], 16)[0]
    batch = pad(ids, 0)
    assert torch.equal(load_towers(encoder).encode("query", *batch), load_towers(original).encode("query", *batch))
    assert encoder.dimension == 32


def test_fingerprints_follow_the_content_not_the_place(tmp_path, folder):
    encoder = HubEncoder(model=str(folder))
    load_towers(Tiny(shared=True)).save(tmp_path / "copy")
    load_towers(Tiny(shared=True, weights_seed=1)).save(tmp_path / "other")
    copy, other = (HubEncoder(model=str(tmp_path / name / "encoder")) for name in ("copy", "other"))
    before = encoder.fingerprint()
    assert before == copy.fingerprint() != other.fingerprint()
    assert encoder.tokenizer_fingerprint() == other.tokenizer_fingerprint()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 0.1}))
    assert replace(encoder).fingerprint() != before
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text().replace("[MASK]", "[MUSK]"))
    assert replace(encoder).tokenizer_fingerprint() != other.tokenizer_fingerprint()


@pytest.mark.parametrize("kind", ["roberta", "electra"])
def test_other_architectures_encode_up_to_their_last_position(tmp_path, kind):
    shape = {"vocab_size": 1493, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape |= {"intermediate_size": 16, "max_position_embeddings": 34 if kind == "roberta" else 32}
    torch.manual_seed(0)
    model = (
        RobertaModel(RobertaConfig(**shape, pad_token_id=1), add_pooling_layer=False)
        if kind == "roberta"
        else ElectraModel(ElectraConfig(**shape, embedding_size=16))
    )
    encoder = saved(tmp_path, model.eval(), 10**9)
    with pytest.raises(LabradorError, match="expected at most the 32 tokens"):
        encoder.tokenizer()
    longest = HubEncoder(model=str(tmp_path), max_query_length=32, max_passage_length=32)
    ids, mask, _ = pad([np.arange(5, 37), np.arange(5, 9)], load_towers(longest).pad_id)
    vectors = load_towers(longest).encode("passage", ids, mask)
    assert vectors.shape == (2, 16)
    assert torch.isfinite(vectors).all()


def test_lengths_beyond_the_model_are_refused_before_loading(folder):
    with pytest.raises(LabradorError, match=r"encoder\.max_passage_length=600: expected at most the 512 tokens"):
        HubEncoder(model=str(folder), max_passage_length=600).load_model()


def test_pickled_weights_are_not_read(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(LabradorError, match="expected weights in safetensors"):
        HubEncoder(model=str(folder)).load_model()


def test_half_a_checkpoint_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(LabradorError, match="lack 16 parameters of BertModel"):
        HubEncoder(model=str(folder)).load_model()


def test_a_folder_without_a_tokenizer_is_refused(folder):
    """transformers alone would make up a vocabulary of the special tokens."""
    (folder / "tokenizer.json").unlink()
    with pytest.raises(LabradorError, match=r"encoder: no tokenizer; expected tokenizer\.json, vocab\.txt or"):
        HubEncoder(model=str(folder)).tokenizer()


def test_a_broken_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text()[:1000])
    with pytest.raises(LabradorError, match="encoder: no readable tokenizer"):
        HubEncoder(model=str(folder)).tokenizer()


@pytest.mark.parametrize("content", ['{"hidden_size": 3', "[]", '{"hidden_size": "wide"}', "\ud800"])
@pytest.mark.parametrize("use", ["width", "tokenizer", "load_model"])
def test_a_broken_configuration_is_one_line(folder, content, use):
    (folder / "config.json").write_text(content, errors="surrogatepass")
    with pytest.raises(LabradorError, match=r"encoder.*config\.json") as raised:
        getattr(HubEncoder(model=str(folder)), use)()
    assert "\n" not in str(raised.value)


def test_truncated_weights_are_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LabradorError, match=r"model\.safetensors: expected whole safetensors"):
        HubEncoder(model=str(folder)).load_model()


@pytest.mark.parametrize("name", ["./no/such", "/no/such"])
def test_a_missing_folder_is_not_taken_for_a_hub_name(name):
    with pytest.raises(LabradorError, match=rf"encoder\.model={name}: expected .*; there is no such folder"):
        HubEncoder(model=name).fingerprint()


def test_an_unreachable_hub_is_one_line_that_names_what_works_offline(tmp_path):
    code = (
        "from labrador.encoders.hub import HubEncoder\n"
        "from labrador.errors import LabradorError\n"
        "try:\n    HubEncoder(model='google-bert/bert-base-uncased').fingerprint()\n"
        "except LabradorError as error:\n    print(error)\n"
    )
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | nowhere, timeout=60
    )
    assert run.returncode == 0, run.stderr
    (line,) = run.stdout.splitlines()
    assert line.startswith("encoder.model=google-bert/bert-base-uncased: ")
    assert line.endswith("offline, name a folder, or use encoder=minilm")


class Request:
    """A pull request as the hub lists it."""

    title, git_reference = "Adding `safetensors` variant of this model", "refs/pr/7"


@pytest.mark.parametrize("requests", [[], [Request]])
def test_without_safetensors_the_hubs_own_conversion_is_taken(monkeypatch, folder, tmp_path, requests):
    def download(name, revision, allow_patterns):
        assert "config.json" in allow_patterns
        assert not any(fnmatch("pytorch_model.bin", pattern) for pattern in allow_patterns)
        return folder if revision == "refs/pr/7" else tmp_path

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("huggingface_hub.get_repo_discussions", lambda name, author, discussion_type: iter(requests))
    encoder = HubEncoder(model="someone/model")
    if requests:
        assert encoder.folder() == folder
    else:
        with pytest.raises(LabradorError, match="someone/model: expected a model with weights in safetensors"):
            encoder.folder()
