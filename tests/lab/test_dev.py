"""When a training keeps the weights with the best dev rank, and what dev queries are ranked among."""

import json

import numpy as np
import pytest
from layouts import write_layout

from labrador.data.beir import Beir
from labrador.data.nq import Nq
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.errors import LabradorError
from labrador.lab import Bench, Lab, dev
from labrador.losses.bpr import BPRLoss
from labrador.losses.contrastive import Contrastive
from labrador.samplers.random import Random
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Of nq and beir, both with a dev split."""
    found = {}
    for name, source in (("nq", Nq), ("beir", Beir)):
        folder = tmp_path_factory.mktemp(name)
        path = str(write_layout(name, folder / "raw"))
        found[name] = prepare(source(path=path), Store(folder / "store")), folder
    return found


def lab(corpora, name, **settings):
    corpus, folder = corpora[name]
    return Lab(Bench(Store(folder / "store"), corpus, TrainSettings(max_steps=4, batch_size=4, **settings), 0))


@pytest.mark.parametrize(
    ("name", "objective", "keep", "best"),
    [
        ("nq", BPRLoss(), "auto", True),  # as BPR's code does
        ("nq", Contrastive(), "auto", False),
        ("beir", BPRLoss(), "auto", True),
        ("nq", BPRLoss(), "last", False),
        ("beir", Contrastive(), "best", True),
    ],
)
def test_which_weights_are_kept(corpora, name, objective, keep, best):
    assert dev.keeps_best(lab(corpora, name, keep=keep, epochs=2).bench, objective) == best
    assert dev.keeps_best(lab(corpora, name, keep=keep, epochs=1).bench, objective) == (keep == "best")


def test_a_training_that_keeps_the_best_has_another_key_and_reports_its_ranks(corpora):
    """Of four steps the rank is taken after the third and the fourth."""
    last, best = (lab(corpora, "beir", keep=keep) for keep in ("auto", "best"))
    first, second = (each.fit(ENCODER, Contrastive(), Random(), name="test") for each in (last, best))
    assert first.key != second.key
    curve = [json.loads(line) for line in (second.folder.parent / "curve.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve if "dev_rank" in point] == [3, 4]
    config, inputs = (best.bench.ledger.used[second.key][1].manifest[part] for part in ("config", "inputs"))
    assert config["keep"] == {"questions": 16, "from": 0.75, "hard": 30, "others": 30}
    assert {"dev queries", "dev negatives", "dev judgements"} <= inputs.keys()
    assert "keep" not in last.bench.ledger.used[first.key][1].manifest["config"]
    assert (last.bench.ledger.kept_best, best.bench.ledger.kept_best) == (False, True)


def test_without_dev_queries_the_best_cannot_be_kept(corpora, monkeypatch):
    given = lab(corpora, "beir", keep="best")
    monkeypatch.setitem(corpora["beir"][0].meta, "splits", ["train", "test"])
    with pytest.raises(LabradorError, match=r"^train\.keep=best: the data has no dev split .* set train\.keep=last$"):
        given.fit(ENCODER, Contrastive(), Random(), name="test")
    assert not dev.keeps_best(lab(corpora, "beir", epochs=2).bench, BPRLoss())


def test_the_scored_queries_choose_no_weights(corpora, monkeypatch):
    monkeypatch.setattr(corpora["beir"][0], "handling", Beir(path=".", split="dev").handling)
    assert not dev.keeps_best(lab(corpora, "beir", epochs=2).bench, BPRLoss())
    with pytest.raises(LabradorError, match=r"^train\.keep=best: the run is scored on the dev queries .*keep=last"):
        dev.keeps_best(lab(corpora, "beir", keep="best").bench, BPRLoss())


def test_what_dev_queries_are_ranked_among(corpora):
    """The source's hard negatives are among them; in so small a corpus all passages but the positives are drawn."""
    given = lab(corpora, "nq", dev_questions=3)
    pool = dev.pool(given.bench, given.pretrained(ENCODER))
    assert len(pool.rows) == len(pool.positives) == 3
    assert set(pool.positives) <= set(pool.pool)
    assert np.array_equal(pool.pool, np.unique(pool.pool))
    for row, positive in zip(pool.rows, pool.positives, strict=True):
        assert positive == given.bench.corpus.positives("dev")[row][0]
        assert set(given.bench.corpus.hard_negatives("dev")[row]) <= set(pool.pool)
    again = lab(corpora, "nq", dev_questions=3)
    assert np.array_equal(dev.pool(again.bench, again.pretrained(ENCODER)).pool, pool.pool)
