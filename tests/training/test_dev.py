"""The best checkpoint by dev rank: the rank by a plain loop, and which weights are written."""

import numpy as np
import pytest
import torch

from labrador.data.ragged import Ragged
from labrador.encoders.tokens import Tokens, pad
from labrador.losses.contrastive import Contrastive
from labrador.losses.hashing import Hashing
from labrador.training import dev as devs
from labrador.training.dev import DevSet, mean_rank
from labrador.training.model import TrainingModel
from labrador.training.settings import TrainSettings
from training import toy


@pytest.fixture
def texts(tmp_path):
    toy.tokens(tmp_path, toy.Tiny(shared=True))
    return tmp_path


def drawn(texts, count=toy.QUERIES):
    positives = Ragged.from_lists([[row, row + 1] if row % 4 else [] for row in range(count)])
    return DevSet.drawn(Tokens(texts / "queries"), Tokens(texts / "passages"), positives, seed=0)


def test_questions_with_a_positive_rank_their_first_among_the_others_and_random_passages(texts):
    dev = drawn(texts)
    assert dev.rows.tolist() == [row for row in range(toy.QUERIES) if row % 4]
    assert dev.pool[dev.gold].tolist() == dev.rows.tolist()  # the first positive has the question's own row
    assert set(dev.rows) < set(dev.pool)
    assert len(dev.pool) == len(set(dev.pool)) <= toy.PASSAGES


@pytest.mark.parametrize("objective", [Contrastive(), Hashing(normalized=False)])
def test_the_rank_is_that_of_a_plain_loop(texts, objective):
    encoder = toy.Tiny(shared=True, pooling="mean")
    towers = encoder.build()
    model = TrainingModel(towers, objective.build(towers.dimension)).train()
    dev = drawn(texts)
    above = []
    with torch.inference_mode():
        for row, place in zip(dev.rows, dev.gold, strict=True):
            (query,) = towers.encode("query", *pad(dev.queries.rows([row]), 0))
            scores = []
            for passage in dev.pool:
                (vector,) = towers.eval().encode("passage", *pad(dev.passages.rows([passage]), 0))
                coded = torch.where(vector >= 0, 1.0, -1.0) if isinstance(objective, Hashing) else vector
                scores.append(float(query @ coded))
            above.append(sum(score > scores[place] + 1e-6 for score in scores))
    model.train()
    assert mean_rank(model, dev) == pytest.approx(np.mean(above), abs=0.1)  # but for scores that are nearly equal
    assert model.training


@pytest.mark.parametrize(("ranks", "kept"), [([1.0, 2.0], 0), ([2.0, 1.0], 1), ([1.0, 1.0], 0)])
def test_the_weights_of_the_best_rank_are_written(texts, tmp_path, monkeypatch, ranks, kept):
    """Four epochs of three steps: the last quarter begins after the third."""
    seen = []

    def ranked(model, dev):
        seen.append({name: value.clone() for name, value in model.towers.state_dict().items()})
        return ranks[len(seen) - 1]

    monkeypatch.setattr(devs, "mean_rank", ranked)
    written = toy.run(texts, tmp_path / "out", dev=drawn(texts), epochs=4)
    assert len(seen) == 2
    name = "towers/encoder/model.safetensors:embeddings.word_embeddings.weight"
    assert torch.equal(written[name], seen[kept]["query.model.embeddings.word_embeddings.weight"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["curve.jsonl", "towers"]


def test_which_trainings_look():
    assert [TrainSettings(epochs=2, keep=keep).looks(True) for keep in ("auto", "best", "last")] == [True, True, False]
    assert [TrainSettings(epochs=2, keep=keep).looks(False) for keep in ("auto", "best", "last")] == [
        False,
        True,
        False,
    ]
    assert not TrainSettings(epochs=1, keep="best").looks(True)
    assert Hashing.keeps_best
    assert not Contrastive.keeps_best
