"""The steps of labelling: what is scored, what becomes a label, what a killed run keeps."""

from collections import Counter

import numpy as np
import pytest
from layouts import question_of, text_of, title_of, write_layout
from teachers import write_teacher

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.hub import HubEncoder
from labrador.encoders.tiny import Tiny
from labrador.errors import LabradorError
from labrador.indexes.flat import FlatIndex
from labrador.lab import BaseRetriever, Bench, Lab, encode, label, mine
from labrador.labels import scoring
from labrador.labels.pseudo import Thresholds
from labrador.labels.teacher import Teacher
from labrador.losses.contrastive import Contrastive
from labrador.samplers.bm25 import BM25Hard
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)
DEPTH = 10


@pytest.fixture
def new_lab(tmp_path):
    raw = write_layout("beir", tmp_path / "raw")

    def make(store="store", **train):
        stored = Store(tmp_path / store)
        settings = TrainSettings(**({"max_steps": 2, "batch_size": 4} | train))
        return Lab(Bench(stored, prepare(Beir(path=str(raw)), stored), settings, 0))

    return make


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A teacher that is used as it comes."""
    pairs = [question_of(i) for i in range(8)], [(title_of(i), text_of(i)) for i in range(64)]
    folder = write_teacher(tmp_path_factory.mktemp("teacher"), *pairs)
    return Teacher(encoder=HubEncoder(model=str(folder), max_passage_length=64), ready=True)


def labelled(lab, teacher, thresholds=None, limit=None):
    base = lab.pretrained(ENCODER)
    trained = lab.fit_teacher(teacher, BaseRetriever(base, DEPTH), lab.settings)
    return lab.pseudo_labels(trained, BaseRetriever(base, DEPTH), lab.train_set(), thresholds or Thresholds(), limit)


def made(store):
    return Counter(step for step, _, _ in store.artifacts())


def test_labels_are_what_the_scores_say_of_the_best_passages(new_lab, ready):
    lab = new_lab()
    labels = labelled(lab, ready)
    base = lab.pretrained(ENCODER)
    near = mine.nearest(lab.bench, base, lab.bench.queries("train"), np.arange(32), DEPTH)
    teacher = lab.fit_teacher(ready, BaseRetriever(base, DEPTH), lab.settings)
    scores = np.array(label.judge(lab.bench, teacher, lab.bench.queries("train"), np.arange(32), near).array)
    judged = lab.bench.corpus.positives("train")
    for query in range(32):
        ids = near.array[query]
        assert labels.positives[query].tolist() == ids[scores[query] > 0.9].tolist()
        low = [row for row in ids[scores[query] < 0.1] if row not in judged[query]]
        assert labels.negatives[query].tolist() == low
    summary = lab.bench.ledger.reported["labels"]
    assert summary["positives"] == len(labels.positives.values) > 0
    assert summary["without_positive"] == np.count_nonzero(labels.positives.lengths == 0)


def test_the_best_passages_are_the_retrievers_own_positives_and_all(new_lab):
    lab = new_lab()
    base = lab.pretrained(ENCODER)
    near = mine.nearest(lab.bench, base, lab.bench.queries("train"), np.array([3, 7]), DEPTH)
    products = (
        np.asarray(encode.queries(lab.bench, base, lab.bench.queries("train")).array)[[3, 7]]
        @ np.asarray(encode.passages(lab.bench, base).array).T
    )
    assert near.array.tolist() == np.argsort(-products, axis=1, kind="stable")[:, :DEPTH].tolist()


def test_a_corpus_of_fewer_passages_than_are_asked_for_is_ranked_whole(new_lab):
    lab = new_lab()
    near = mine.nearest(lab.bench, lab.pretrained(ENCODER), lab.bench.queries("train"), np.array([3, 7]), 5000)
    assert near.array.shape == (2, len(lab.bench.corpus.passages))
    assert (np.sort(near.array, axis=1) == np.arange(len(lab.bench.corpus.passages))).all()


def test_other_queries_are_another_ranking(new_lab):
    lab = new_lab()
    base = lab.pretrained(ENCODER)
    keys = [
        mine.nearest(lab.bench, base, lab.bench.queries("train"), np.array(rows), DEPTH).key
        for rows in ([0, 1], [2, 3], [0, 1])
    ]
    assert keys[0] == keys[2] != keys[1]


def test_a_limit_labels_that_many_queries_and_no_others(new_lab, ready):
    labels = labelled(new_lab(), ready, limit=5)
    assert len(labels.positives) == 32
    assert np.count_nonzero(labels.positives.lengths + labels.negatives.lengths) <= 5
    assert labels.labelled.sum() == 5


def test_unlabelled_queries_are_labelled_after_the_train_queries(new_lab, ready, tmp_path, caplog):
    test, train = question_of(6), question_of(0)
    (tmp_path / "more.txt").write_text(f"who keeps the grey fox\n{test.upper()}\n{train}  \nWho keeps  the grey fox\n")
    caplog.set_level("INFO")
    lab = new_lab()
    base = lab.pretrained(ENCODER)
    pool = lab.pooled(str(tmp_path / "more.txt"))
    teacher = lab.fit_teacher(ready, BaseRetriever(base, DEPTH), lab.settings)
    labels = lab.pseudo_labels(teacher, BaseRetriever(base, DEPTH), pool, Thresholds())
    assert len(labels.positives) == 33
    assert "1 unlabelled queries; left out: 1 of the dev or test split, 2 of the train split or repeated" in caplog.text
    taught = lab.labelled(pool, labels, judged=True)
    trained = lab.fit(ENCODER, Contrastive(), BM25Hard(), taught, name="test")
    assert trained.key != lab.fit(ENCODER, Contrastive(), BM25Hard(), name="test").key


def test_the_same_labels_are_made_once_and_other_thresholds_take_the_scores_from_the_store(new_lab, ready):
    labelled(new_lab(), ready)
    lab = new_lab()
    before = made(lab.bench.store)
    labelled(lab, ready)
    assert made(lab.bench.store) == before
    assert lab.bench.ledger.reported["labels"]["positives"]  # found in the store, they are reported all the same
    labelled(lab, ready, Thresholds(positive_above=0.8, negative_below=0.2))
    assert made(lab.bench.store) - before == Counter(labels=1)


def test_a_teacher_is_tried_on_the_dev_split(new_lab, ready):
    lab = new_lab()
    labelled(lab, ready)
    summary = lab.bench.ledger.reported["labels"]
    assert (summary["judged_on"], summary["judged_questions"]) == ("dev", 8)
    assert 0 < summary["base MRR@10"] <= 1
    assert (summary["warning"] is None) == (summary["teacher MRR@10"] > summary["base MRR@10"])


def test_a_teacher_that_only_repeats_the_retriever_draws_a_warning(new_lab, ready, monkeypatch, caplog):
    lab = new_lab()
    monkeypatch.setattr(scoring, "_probabilities", lambda *inputs: np.linspace(1, 0, len(inputs[1])).astype(np.float32))
    monkeypatch.setattr(scoring, "SHARD", DEPTH)  # a query's passages together, to keep their order
    labelled(lab, ready)
    summary = lab.bench.ledger.reported["labels"]
    assert summary["teacher MRR@10"] == summary["base MRR@10"]
    assert "is no better than the base retriever" in summary["warning"]
    assert summary["warning"] in caplog.text


def test_a_teacher_that_cannot_be_tried_is_reported(new_lab, ready, monkeypatch, caplog):
    lab = new_lab()
    monkeypatch.setattr(label, "tried_on", lambda bench: None)
    labelled(lab, ready)
    assert lab.bench.ledger.reported["labels"]["judged_on"] is None
    assert "the teacher was not tried" in caplog.text


def test_thresholds_that_leave_nothing_leave_no_labels(new_lab, ready):
    lab = new_lab()
    with pytest.raises(LabradorError, match=r"positive_above=1.*scores in tenths from 0"):
        labelled(lab, ready, Thresholds(positive_above=1.0))
    assert not made(lab.bench.store)["labels"]


def test_a_killed_scoring_goes_on_where_it_stopped(new_lab, ready, monkeypatch):
    whole = labelled(new_lab("straight"), ready)
    monkeypatch.setattr(scoring, "SHARD", 50)
    probabilities, parts = scoring._probabilities, []

    def killed(*inputs):
        if len(parts) == 6:  # of two for the dev queries and seven for the others
            raise KeyboardInterrupt
        parts.append(len(inputs[1]))
        return probabilities(*inputs)

    monkeypatch.setattr(scoring, "_probabilities", killed)
    with pytest.raises(KeyboardInterrupt):
        labelled(new_lab(), ready)
    done = len(parts)
    monkeypatch.setattr(scoring, "_probabilities", lambda *inputs: (parts.append(0), probabilities(*inputs))[1])
    labels = labelled(new_lab(), ready)
    assert (done, len(parts)) == (6, 9)
    assert labels.key == whole.key
    assert labels.positives.values.tolist() == whole.positives.values.tolist()


def test_a_killed_search_for_the_best_passages_goes_on_where_it_stopped(new_lab, monkeypatch):
    def nearest(store):
        lab = new_lab(store)
        return mine.nearest(lab.bench, lab.pretrained(ENCODER), lab.bench.queries("train"), np.arange(32), DEPTH)

    whole = nearest("straight")
    monkeypatch.setattr(mine, "QUERIES_TOGETHER", 10)
    search, searched = FlatIndex.search, []

    def killed(index, queries, k):
        if len(searched) == 2:
            raise KeyboardInterrupt
        searched.append(len(queries))
        return search(index, queries, k)

    monkeypatch.setattr(FlatIndex, "search", killed)
    with pytest.raises(KeyboardInterrupt):
        nearest("store")
    assert searched == [10, 10]
    monkeypatch.setattr(FlatIndex, "search", lambda *inputs: (searched.append(len(inputs[1])), search(*inputs))[1])
    found = nearest("store")
    assert searched == [10, 10, 10, 2]
    assert found.key == whole.key
    assert found.array.tolist() == whole.array.tolist()


def test_a_trained_teacher_is_in_the_store(new_lab):
    lab = new_lab()
    base = lab.pretrained(ENCODER)
    teacher = Teacher(encoder=ENCODER, negatives=2)
    trained = lab.fit_teacher(teacher, BaseRetriever(base, DEPTH), lab.settings)
    assert trained.load().model.config.num_labels == 1
    assert lab.fit_teacher(teacher, BaseRetriever(base, DEPTH), lab.settings) == trained
    assert made(lab.bench.store)["teacher"] == 1
    other = lab.fit_teacher(Teacher(encoder=ENCODER, negatives=3), BaseRetriever(base, DEPTH), lab.settings)
    assert other.key != trained.key
