"""A teacher's scores of many pairs equal those of one pair at a time."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens, write_tokens
from labrador.errors import LabradorError
from labrador.labels import scoring
from labrador.labels.cross_encoder import CrossEncoder
from training import toy

QUESTIONS = ["why", "who keeps the " + "very " * 20 + "old dog", "", "when does the hen sleep"]
PASSAGES = [(f"Title {row}" if row % 3 else "", "of snow and dogs " * (row * 7 % 12)) for row in range(9)]
ROWS = np.array([3, 0, 1])
IDS = np.array([[4, 0, 8, 7, 1], [2, -1, -1, -1, -1], [7, 3, 5, 4, -1]])
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the token ids."""
    folder, tokenizer = tmp_path_factory.mktemp("texts"), Tiny().tokenizer()
    write_tokens([QUESTIONS], len(QUESTIONS), tokenizer, 64, folder / "questions")
    write_tokens([PASSAGES], len(PASSAGES), tokenizer, 128, folder / "passages")
    return folder


def teacher(labels: int = 1) -> CrossEncoder:
    """A random cross-encoder whose scores differ from pair to pair."""
    encoder = Tiny()
    model = encoder.load_classifier(ready=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8 if parameter.ndim > 1 else 1)
        if labels == 2:
            first = torch.nn.Linear(encoder.hidden, 2)
            first.weight.copy_(torch.cat([model.classifier.weight.flip(1), model.classifier.weight]))
            first.bias.copy_(torch.tensor([0.5, -0.25]))
            model.classifier, model.num_labels, model.config.num_labels = first, 2, 2
    return CrossEncoder(model, encoder.tokenizer())


def write(texts: Path, out: Path, judge: CrossEncoder, precision: str = "float32") -> np.ndarray:
    pairs = scoring.Pairs(Tokens(texts / "questions"), Tokens(texts / "passages"), ROWS, IDS)
    scoring.write_scores(judge, pairs, out, precision, CPU)
    return np.load(out).reshape(IDS.shape)


def one_by_one(judge: CrossEncoder) -> np.ndarray:
    """Each pair by itself, as the tokenizer joins it; the second label's share where there are two."""
    judge.eval()
    scores = np.full(IDS.shape, np.nan)
    for place in np.argwhere(IDS >= 0):
        title, text = PASSAGES[IDS[tuple(place)]]
        between = f"{title} [SEP] {text}" if title else text
        pair = judge.tokenizer([QUESTIONS[ROWS[place[0]]]], [between], return_tensors="pt")
        with torch.inference_mode():
            (logits,) = judge.model(**pair).logits
        shares = torch.sigmoid(logits) if len(logits) == 1 else torch.softmax(logits, dim=0)
        scores[tuple(place)] = shares[-1]
    return scores


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen pairs in shards of 4, one of which holds no passage, and in batches of a few."""
    monkeypatch.setattr(scoring, "SHARD", 4)
    monkeypatch.setattr(scoring, "TOKEN_BUDGET", {"cpu": 150})


@pytest.mark.parametrize("labels", [1, 2])
def test_scores_are_those_of_each_pair_by_itself(texts: Path, tmp_path: Path, labels: int):
    judge = teacher(labels)
    scores, expected = write(texts, tmp_path / "s.npy", judge), one_by_one(judge)
    assert scores.dtype == np.float32
    assert np.array_equal(np.isnan(scores), IDS < 0)
    assert np.nanstd(expected) > 1e-2
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["s.npy"]


def test_shards_do_not_change_the_scores(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    few = write(texts, tmp_path / "few.npy", teacher())
    monkeypatch.setattr(scoring, "SHARD", 1000)
    np.testing.assert_allclose(write(texts, tmp_path / "many.npy", teacher()), few, atol=1e-5)


def test_a_teacher_in_training_mode_scores_without_dropout(texts: Path, tmp_path: Path):
    scores = write(texts, tmp_path / "s.npy", teacher().train())
    np.testing.assert_allclose(scores, one_by_one(teacher()), atol=1e-5)


def test_reduced_precision_is_a_rounding_of_it(texts: Path, tmp_path: Path):
    scores = write(texts, tmp_path / "s.npy", teacher(), "bfloat16")
    expected = one_by_one(teacher())
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=3e-2)
    assert np.nanmax(np.abs(scores - expected)) > 1e-6  # it was indeed computed otherwise


def killed_in_the_third_shard(texts: Path, out: Path) -> None:
    whole, calls = scoring._probabilities, []

    def probabilities(*args):
        calls.append(args)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args)

    scoring._probabilities, scoring.SHARD = probabilities, 4
    write(texts, out, teacher())


def test_a_killed_run_goes_on_where_it_stopped(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Shards: 4 pairs; 2 pairs and 2 gaps; 2 gaps and 2 pairs; 2 pairs and a gap."""
    assert toy.in_processes(killed_in_the_third_shard, 1, texts, tmp_path / "s.npy") == [-signal.SIGKILL]
    whole, made = scoring._probabilities, []

    def probabilities(*args):
        made.append(len(args[1]))
        return whole(*args)

    monkeypatch.setattr(scoring, "_probabilities", probabilities)
    scores = write(texts, tmp_path / "s.npy", teacher())
    assert made == [2, 2]
    np.testing.assert_allclose(scores, one_by_one(teacher()), atol=1e-5)


def test_a_score_that_is_not_finite_is_one_error(texts: Path, tmp_path: Path):
    judge = teacher()
    with torch.no_grad():
        judge.model.bert.embeddings.position_embeddings.weight[100] = torch.nan
    with pytest.raises(LabradorError, match=r"teacher: \d of [24] scores are not finite; expected finite numbers"):
        write(texts, tmp_path / "s.npy", judge)


def test_two_processes_share_the_shards(texts: Path, tmp_path: Path):
    assert toy.in_processes(write, 2, texts, tmp_path / "s.npy", teacher()) == [0, 0]
    np.testing.assert_allclose(np.load(tmp_path / "s.npy").reshape(IDS.shape), one_by_one(teacher()), atol=1e-5)
