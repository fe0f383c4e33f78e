"""Encoding: order, batches, resuming after a kill, several processes, codes in place of vectors."""

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Form, Tokens, pad, write_tokens
from labrador.encoders.towers import load_towers
from labrador.encoding import EncodeSettings, batches_by_length, encode, fill_by_length, pick_device, precision
from labrador.errors import LabradorError

ENCODER = Tiny(pooling="mean", normalize=True, shared=True)
EXACT = EncodeSettings(precision="float32", shard_size=8, token_budget=64)
SETUP = f"""
import os, signal, sys
from pathlib import Path
from labrador.machine import processes
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens
from labrador.encoders.towers import load_towers
from labrador.encoding import EncodeSettings, encode
encoder, settings = {ENCODER!r}, {EXACT!r}
tokens, out = Tokens(Path(sys.argv[1])), Path(sys.argv[2])
"""
KILLED = """
done = []
def transform(vectors):
    done.append(len(vectors))
    if len(done) == 4:  # the sample, two shards, and not the third
        os.kill(os.getpid(), signal.SIGKILL)
    return vectors
encode(load_towers(encoder), "passage", tokens, out, settings, transform)
"""
RANKED = """
processes.start()
shards = []
def transform(vectors):
    shards.append(len(vectors))
    return vectors
encode(load_towers(encoder), "passage", tokens, out, settings, transform)
print(shards[1:])
"""


def texts(count: int) -> list[tuple[str, str]]:
    """Passages of very different lengths, an empty one among them."""
    words = np.random.default_rng(0).integers(0, 60, count)
    return [("", "") if row == 2 else (f"title {row}", "of snow " * n) for row, n in enumerate(words)]


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    """29 passages: three shards of 8 and one of 5."""
    return write_tokens([texts(29)], 29, ENCODER.tokenizer(), 64, tmp_path / "tokens")


def one_by_one(tokens: Tokens) -> np.ndarray:
    towers = load_towers(ENCODER)
    with torch.inference_mode():
        rows = [towers.encode("passage", *pad([ids], 0)) for ids in tokens.slice(0, len(tokens))]
    return torch.cat(rows).numpy()


def test_segments_reach_the_model_as_its_tokenizer_has_them(tmp_path):
    """What BPR's and PAIR's code gives BERT: type 0 up to the title's [SEP], 1 for the text; queries have 0 alone."""
    encoder = Tiny(pooling="cls", segments=True)
    tokenizer, model = encoder.tokenizer(), encoder.load_model()
    passages = texts(9)
    tokens = write_tokens([passages], 9, tokenizer, 64, tmp_path / "p", Form(segments=True))
    encode(load_towers(encoder), "passage", tokens, tmp_path / "passages.npy", EXACT)
    given = tokenizer(*map(list, zip(*passages, strict=True)), truncation="longest_first", max_length=64, padding=True)
    with torch.inference_mode():
        expected = model(**given.convert_to_tensors("pt")).last_hidden_state[:, 0]
    vectors = np.load(tmp_path / "passages.npy")
    assert np.allclose(vectors, expected, atol=1e-6)
    plain = write_tokens([passages], 9, tokenizer, 64, tmp_path / "plain")
    encode(load_towers(Tiny(pooling="cls")), "passage", plain, tmp_path / "plain.npy", EXACT)
    assert np.abs(vectors - np.load(tmp_path / "plain.npy")).max() > 1e-3
    questions = write_tokens([["who", "where is it"]], 2, tokenizer, 64, tmp_path / "q")
    encode(load_towers(encoder), "query", questions, tmp_path / "queries.npy", EXACT)
    with torch.inference_mode():
        alone = model(**tokenizer(["where is it"], return_tensors="pt")).last_hidden_state[:, 0]
    assert np.allclose(np.load(tmp_path / "queries.npy")[1:], alone, atol=1e-6)


def test_vectors_are_in_corpus_order(tokens, tmp_path):
    encode(load_towers(ENCODER), "passage", tokens, tmp_path / "v.npy", EXACT)
    vectors = np.load(tmp_path / "v.npy")
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, one_by_one(tokens), atol=1e-6)
    assert not (tmp_path / "v.npy.shards").exists()


@pytest.mark.parametrize("count", [1, 8, 9])
def test_corpora_of_one_passage_and_of_whole_shards(tmp_path, count):
    tokens = write_tokens([texts(count)], count, ENCODER.tokenizer(), 64, tmp_path / "tokens")
    encode(load_towers(ENCODER), "passage", tokens, tmp_path / "v.npy", EXACT)
    assert np.allclose(np.load(tmp_path / "v.npy"), one_by_one(tokens), atol=1e-6)


def test_half_precision_on_disk_is_a_rounding_of_it(tokens, tmp_path):
    half = EncodeSettings(dtype="float16", precision="float32", shard_size=8)
    encode(load_towers(ENCODER), "passage", tokens, tmp_path / "v.npy", half)
    vectors = np.load(tmp_path / "v.npy")
    assert vectors.dtype == np.float16
    assert np.allclose(vectors, one_by_one(tokens), atol=1e-3)


def test_autocast_keeps_the_direction(tokens, tmp_path):
    encode(
        load_towers(ENCODER), "passage", tokens, tmp_path / "v.npy", EncodeSettings(precision="bfloat16", device="cpu")
    )
    cosines = (np.load(tmp_path / "v.npy") * one_by_one(tokens)).sum(axis=1)
    assert cosines.min() >= 0.9999
    assert cosines.min() < 1 - 1e-9  # it was indeed computed otherwise


def test_a_transform_writes_codes_and_no_vectors(tokens, tmp_path):
    def signs(vectors: np.ndarray) -> np.ndarray:
        return np.packbits(vectors > 0, axis=1)

    encode(load_towers(ENCODER), "passage", tokens, tmp_path / "codes.npy", EXACT, signs)
    assert np.array_equal(np.load(tmp_path / "codes.npy"), signs(one_by_one(tokens)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes.npy", "tokens"]


def test_a_killed_run_continues_with_the_unfinished_shards(tokens, tmp_path):
    out = tmp_path / "v.npy"
    run = subprocess.run([sys.executable, "-c", SETUP + KILLED, tokens.folder, out], capture_output=True, timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert sorted(path.name for path in (tmp_path / "v.npy.shards").glob("*.done")) == ["0.done", "1.done"]
    rows = []

    def transform(vectors: np.ndarray) -> np.ndarray:
        rows.append(len(vectors))
        return vectors

    encode(load_towers(ENCODER), "passage", tokens, out, EXACT, transform)
    assert rows == [1, 8, 5]  # the sample that tells the width, then the third and the fourth shard
    assert np.allclose(np.load(out), one_by_one(tokens), atol=1e-6)


def test_shards_of_another_size_are_not_continued(tokens, tmp_path):
    out = tmp_path / "v.npy"

    def fail(vectors: np.ndarray) -> np.ndarray:
        if len(vectors) == 5:
            raise InterruptedError
        return vectors

    with pytest.raises(InterruptedError):
        encode(load_towers(ENCODER), "passage", tokens, out, EXACT, fail)
    encode(load_towers(ENCODER), "passage", tokens, out, EncodeSettings(precision="float32", shard_size=10))
    assert np.allclose(np.load(out), one_by_one(tokens), atol=1e-6)


def test_two_processes_share_the_shards(tokens, tmp_path):
    out = tmp_path / "v.npy"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    command = [sys.executable, "-c", SETUP + RANKED, tokens.folder, out]
    runs = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | address | {"RANK": rank}
        )
        for rank in ("0", "1")
    ]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert [stdout.split(b"\n")[-2] for stdout, _ in outputs] == [b"[8, 8]", b"[8, 5]"]
    assert np.allclose(np.load(out), one_by_one(tokens), atol=1e-6)
    assert not (tmp_path / "v.npy.shards").exists()


def test_a_vector_that_is_not_finite_is_an_error(tokens, tmp_path):
    towers = load_towers(ENCODER)
    with torch.no_grad():
        towers.query.model.embeddings.position_embeddings.weight[50] = torch.nan
    with pytest.raises(LabradorError, match=r"vector of text \d+: not finite"):
        encode(towers, "passage", tokens, tmp_path / "v.npy", EXACT)


def test_batches_cover_every_row_within_the_budget():
    lengths = np.array([3, 100, 5, 9, 9, 2, 40])
    batches = [batch.tolist() for batch in batches_by_length(lengths, 45)]
    assert batches == [[1], [6], [3, 4, 2, 0, 5]]
    assert list(batches_by_length(np.empty(0, np.int64), 45)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_are_filled_where_they_belong_and_counted(threads: int):
    lengths, filled, done = np.array([3, 100, 5, 9, 9, 2, 40]), torch.zeros(7, 2, dtype=torch.int64), []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        fill_by_length(
            filled, lengths, 45, lambda rows: torch.from_numpy(np.stack([rows, lengths[rows]], axis=1)), done.append
        )
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert filled.tolist() == [[row, length] for row, length in enumerate(lengths)]
    assert done == [1, 1, 5]


def test_devices_and_what_they_have():
    assert pick_device("cpu") == torch.device("cpu")
    assert precision("cpu") == ("bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32")
    if not torch.cuda.is_available():
        assert pick_device("auto") == torch.device("cpu")
        with pytest.raises(LabradorError, match="device=cuda: expected a GPU"):
            pick_device("cuda")


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(LabradorError, match="shard_size=0"):
        EncodeSettings(shard_size=0)
    with pytest.raises(LabradorError, match="precision=float16: unknown"):
        EncodeSettings(precision="float16")
