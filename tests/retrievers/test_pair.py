"""PAIR's recipe step by step, pseudo labels for other methods, and what is refused before any work."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from configured import configured

from labrador.arrays.ragged import Ragged
from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError, SettingError
from labrador.indexes.scan import Scan
from labrador.lab import BaseRetriever
from labrador.labels.teacher import TrainedTeacher
from labrador.labels.template import Template
from labrador.losses.contrastive import Contrastive
from labrador.losses.pair import PAIRLoss
from labrador.quantizers.flat import Flat
from labrador.retrievers.dpr import DPR
from labrador.retrievers.labelling import Labelling
from labrador.retrievers.pair import PAIR
from labrador.samplers.ann import ANNHard
from labrador.samplers.bm25 import BM25Hard
from labrador.settings import declared
from labrador.training.settings import TrainSettings

ENCODER = Tiny(pooling="mean", query_prefix="query: ")
SHARED = replace(ENCODER, shared=True)


class Recorder:
    """A lab that writes down what each step was given, and over which labels."""

    def __init__(self, steps=None, settings=None, gathered=True, **train):
        self.steps = {} if steps is None else steps
        self.settings = settings or TrainSettings(**train)
        self.gathered = gathered
        self.steps.setdefault("batches", {})

    def train_set(self):
        return None

    def fit(self, start, objective, sampler, train_set=None, *, name):
        self.steps[name] = (start, objective, train_set, self.gathered)
        self.steps["batches"][name] = self.settings.batch_size
        return f"checkpoint of {name}"

    def pretrained(self, encoder):
        return encoder

    def fit_teacher(self, teacher, base, settings):
        self.steps["teacher"] = (teacher, base, settings)
        return "teacher"

    def pooled(self, file):
        self.steps["pooled"] = file
        return "pool"

    def pseudo_labels(self, teacher, base, train_set, thresholds, limit):
        self.steps["labels"] = (teacher, base, train_set, thresholds.positive_above, thresholds.negative_below, limit)
        return "labels"

    def labelled(self, train_set, labels, *, judged):
        return train_set, labels, judged

    def with_settings(self, settings, *, gathered=True):
        return Recorder(self.steps, settings, gathered)


def pair(encoder=ENCODER, sampler=None, **settings):
    return configured(PAIR, encoder=encoder, sampler=sampler or BM25Hard(), temperature=0.1, **settings)


def test_the_recipe_is_the_papers():
    lab = Recorder(epochs=3)
    trained = pair(extra_queries="more.txt").train(lab)
    base = BaseRetriever("checkpoint of base retriever", 50)
    assert lab.steps["base retriever"] == (ENCODER, Contrastive(temperature=0.1), None, True)  # DPR's own checkpoint
    teacher, of, settings = lab.steps["teacher"]
    assert of == base
    assert settings == TrainSettings(epochs=3, batch_size=24, learning_rate=2e-4, dropout=0.0)
    assert (teacher.encoder, teacher.ready) == (replace(ENCODER, query_prefix="", max_passage_length=128), False)
    assert lab.steps["pooled"] == "more.txt"
    assert lab.steps["labels"] == ("teacher", base, "pool", 0.9, 0.1, None)
    first = SHARED, PAIRLoss(temperature=0.1, alpha=0.1), ("pool", "labels", False), True
    assert lab.steps["pair, stage 1"] == first
    second = "checkpoint of pair, stage 1", Contrastive(temperature=0.1), ("pool", "labels", True), True
    assert lab.steps["pair, stage 2"] == second
    assert trained.search == "checkpoint of pair, stage 2"


@pytest.mark.parametrize(("stages", "made"), [("first", {"pair, stage 1"}), ("second", {"pair, stage 2"})])
def test_a_stage_alone_starts_from_the_encoder_as_it_comes(stages, made):
    lab = Recorder()
    pair(stages=stages, negatives="in_batch").train(lab)
    (name,) = {name for name in lab.steps if name.startswith("pair")}
    assert {name} == made
    assert lab.steps[name][0] == SHARED
    assert lab.steps[name][3] is False


def test_a_second_stage_with_its_own_batch_size_is_one_nodes():
    """PAIR on NQ: 8 nodes of 512 queries with their own negatives, then one of 512 (run_nq.sh of its code)."""
    lab = Recorder(batch_size=4096)
    pair(negatives="in_batch", second_batch_size=512).train(lab)
    stages = ("pair, stage 1", "pair, stage 2")
    assert [lab.steps["batches"][name] for name in stages] == [4096, 512]
    assert [lab.steps[name][3] for name in stages] == [False, True]
    assert lab.settings.batch_size == 4096
    with pytest.raises(LabradorError, match=r"^retriever\.second_batch_size=9: expected a multiple of train\.grad"):
        pair(second_batch_size=9).train(Recorder(batch_size=64, gradient_accumulation=4))


def test_a_training_that_stops_early_has_an_eighth_of_the_queries_that_it_visits_labelled():
    lab = Recorder(max_steps=5, batch_size=9)
    pair().train(lab)
    assert lab.steps["labels"][-1] == 6
    lab = Recorder(max_steps=5, batch_size=8)
    pair(label_questions=7).train(lab)
    assert lab.steps["labels"][-1] == 7


def test_a_teachers_training_has_its_own_settings():
    lab = Recorder(epochs=3, batch_size=8)
    pair(teacher_epochs=1, teacher_batch_size=4, teacher_learning_rate=1e-5).train(lab)
    assert lab.steps["teacher"][2] == TrainSettings(epochs=1, batch_size=4, learning_rate=1e-5, dropout=0.0)


def test_a_teacher_visits_twice_the_retrievers_queries_unless_it_has_its_own_epochs():
    train = TrainSettings(max_steps=5, batch_size=16, gradient_accumulation=4, optimizer="lamb", learning_rate=1e-3)
    found = pair(teacher_batch_size=6).labelling.training(train, 384)
    assert found == TrainSettings(max_steps=27, batch_size=6, learning_rate=2e-4, dropout=0.0)
    assert pair(teacher_learning_rate=1e-5).labelling.training(train, 384).learning_rate == 1e-5
    assert pair(teacher_epochs=2).labelling.training(train, 384).max_steps is None
    assert pair().labelling.training(replace(train, dropout=0.1), 384).dropout == 0.1


def test_a_wide_teacher_learns_at_a_lower_rate(monkeypatch):
    for width, rate in ((384, 2e-4), (768, 5e-5)):
        monkeypatch.setattr(Tiny, "width", lambda encoder, width=width: width)
        lab = Recorder()
        pair().train(lab)
        assert lab.steps["teacher"][2].learning_rate == pytest.approx(rate)


def test_dpr_learns_from_the_same_labels_as_the_second_stage():
    lab = Recorder()
    configured(DPR, encoder=ENCODER, sampler=BM25Hard(), temperature=0.1, labels="pseudo").train(lab)
    assert lab.steps["base retriever"] == (ENCODER, Contrastive(temperature=0.1), None, True)
    assert lab.steps["dpr"] == (ENCODER, Contrastive(temperature=0.1), ("pool", "labels", True), True)
    lab = Recorder()
    configured(DPR, encoder=ENCODER, sampler=BM25Hard(), temperature=0.1).train(lab)
    assert set(lab.steps) == {"batches", "dpr"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pair(alpha=1.5), "retriever.alpha=1.5: expected a number from 0 to 1"),
        (lambda: pair(positive_above=1.1), "retriever.positive_above=1.1: expected a number from 0 to 1"),
        (lambda: pair(negative_below=0.95), "retriever.negative_below=0.95: expected at most positive_above=0.9"),
        (lambda: pair(teacher_negatives=0), "retriever.teacher_negatives=0: expected a whole number >= 1"),
        (lambda: pair(teacher_batch_size=0), "retriever.teacher_batch_size=0: expected a whole number >= 1"),
        (lambda: pair(train_teacher=True), "retriever.train_teacher=true: .* name one in retriever.teacher"),
        (
            lambda: pair(teacher="x", teacher_epochs=2),
            "retriever.teacher_epochs=2: expected no value with teacher=x, .* set retriever.train_teacher=true",
        ),
        (
            lambda: configured(DPR, encoder=ENCODER, sampler=BM25Hard(), teacher_epochs=2),
            "no value with labels=gold.*set retriever.labels=pseudo",
        ),
        (lambda: pair(label_depth=0), "retriever.label_depth=0: expected a whole number >= 1"),
        (lambda: pair(teacher_passage_length=7), "retriever.teacher_passage_length=7: expected a whole number >= 8"),
        (lambda: pair(second_batch_size=0), "retriever.second_batch_size=0: expected a whole number >= 1"),
        (
            lambda: pair(stages="first", second_batch_size=8),
            "retriever.second_batch_size=8: expected null with stages=first",
        ),
        (
            lambda: pair(stages="second", alpha=0.0),
            "retriever.alpha=0: expected no value with stages=second",
        ),
        (
            lambda: pair(teacher="x", teacher_negatives=4),
            "retriever.teacher_negatives=4: expected no value with teacher=x",
        ),
        (lambda: pair(sampler=ANNHard()).check(Flat(), Scan()), "use sampler=bm25"),
        (
            lambda: pair(teacher="./none").check(Flat(), Scan()),
            "retriever.teacher=./none: .* there is no such folder",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused(make, message):
    with pytest.raises(LabradorError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("extra_queries", "x"),
        ("teacher_epochs", 2),
        ("label_depth", 20),
        ("negative_below", 0.2),
        ("positive_above", 0.8),
        ("teacher_negatives", 4),
        ("teacher_passage_length", 64),
    ],
)
def test_what_has_no_effect_without_a_teacher_is_refused(name, value):
    with pytest.raises(LabradorError, match=f"{name}={value}: expected no value with labels=gold.*=pseudo, or leave"):
        configured(DPR, encoder=ENCODER, sampler=BM25Hard(), **{name: value})
    usual = declared(Labelling)[name].default
    assert not configured(DPR, encoder=ENCODER, sampler=BM25Hard(), **{name: usual}).labelling.pseudo


def judge(encoder=ENCODER, quick=False, **settings):
    """The teacher of PAIR."""
    return pair(encoder, **settings).labelling.judge(encoder, BM25Hard(), quick)


def test_a_teacher_reads_no_longer_passages_than_the_encoder():
    short = replace(ENCODER, max_passage_length=72)
    assert judge(short).encoder.max_passage_length == 72
    assert judge(teacher="x", teacher_passage_length=50).encoder.max_passage_length == 50


def test_a_teacher_trained_in_few_steps_reads_less_unless_a_length_is_set():
    encoder = replace(ENCODER, max_passage_length=256)

    def length(**settings):
        return judge(encoder, quick=True, **settings).encoder.max_passage_length

    assert length() == length(teacher="x", train_teacher=True) == 64
    assert length(teacher="x") == judge(encoder).encoder.max_passage_length == 128
    assert length(teacher_passage_length=100) == 100


@pytest.mark.parametrize(
    ("fault", "meant"),
    [
        (SettingError("model", "x", "a folder", component="encoder"), "retriever.teacher=x: expected a folder"),
        (
            SettingError("max_passage_length", 128, "at most 64", component="encoder"),
            "retriever.teacher_passage_length=128: expected at most 64",
        ),
        (
            SettingError("max_query_length", 64, "at most the 32 tokens that the model reads", component="encoder"),
            "retriever.teacher=x: .* of this one: encoder.max_query_length=64: expected at most the 32",
        ),
        (LabradorError("/x: no model.safetensors"), "retriever.teacher=x: expected .* of this one: /x: no model.safe"),
    ],
)
def test_a_fault_of_a_teachers_encoder_is_a_setting_of_the_retriever(monkeypatch, fault, meant):
    def load(teacher):
        raise fault

    monkeypatch.setattr(TrainedTeacher, "load", load)
    with pytest.raises(SettingError, match=f"^{meant}"):
        pair(teacher="x").check(Flat(), Scan())


def test_a_teacher_to_be_trained_is_looked_at_before_any_work(tmp_path):
    load_towers(ENCODER).save(tmp_path)
    folder = next(tmp_path.glob("*/config.json")).parent
    make = partial(pair, teacher=str(folder), train_teacher=True)
    make().check(Flat(), Scan())
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(LabradorError, match=f"retriever.teacher={folder}: expected .* {folder}: no tokenizer"):
        make().check(Flat(), Scan())


def test_the_encoders_own_model_must_be_fit_to_teach(monkeypatch):
    def refused(tokenizer, limit):
        raise LabradorError("its pair of texts is not the first, then the second")

    monkeypatch.setattr(Template, "of", refused)
    with pytest.raises(LabradorError, match=r"retriever\.teacher=null: .*: its pair of texts"):
        pair().check(Flat(), Scan())


def test_it_needs_judged_train_queries():
    corpus = SimpleNamespace(splits=("test",), passages=range(10))
    with pytest.raises(LabradorError, match=r"retriever=pair: expected judged train queries .* no train split"):
        pair().check_corpus(corpus, Flat())


def test_one_passage_without_another_is_refused_in_a_line_that_helps():
    """Its base retriever and its teacher learn from BM25's negatives, whatever the sampler."""
    corpus = SimpleNamespace(splits=("train",), passages=range(1), spared=lambda split: Ragged.from_lists([[0]]))
    with pytest.raises(LabradorError, match=r"no passage besides its positives .*use retriever=pretrained") as refused:
        pair(sampler=BM25Hard(negatives=0)).check_corpus(corpus, Flat())
    assert "sampler" not in str(refused.value)
