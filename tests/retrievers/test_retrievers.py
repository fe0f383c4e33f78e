"""What each retriever asks of the lab, and what it refuses before any work."""

from types import SimpleNamespace

import pytest

from labrador.encoders.tiny import Tiny
from labrador.errors import LabradorError
from labrador.indexes.search import Scan, TwoStage
from labrador.quantizers.flat import Flat
from labrador.quantizers.opq import OPQ
from labrador.retrievers.bm25 import BM25
from labrador.retrievers.dpr import DPR
from labrador.retrievers.pretrained import Pretrained
from labrador.samplers.ann import ANNHard
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random


class Recorder:
    """A lab that writes down which steps were asked for."""

    def __init__(self, splits=("train", "test")):
        self.steps = []
        self.corpus = SimpleNamespace(splits=splits, passages=range(1000))

    def pretrained(self, encoder):
        return ("pretrained", encoder)

    def fit(self, start, objective, sampler, candidates=None, *, name):
        self.steps.append(("fit", start, type(sampler).__name__, candidates))
        return f"checkpoint {len(self.steps)}"

    def search(self, checkpoint, split, k):
        self.steps.append(("search", checkpoint, split, k))
        return "candidates"


ENCODER = Tiny()


def test_dpr_trains_once_on_mined_or_random_negatives():
    for sampler in (BM25Hard(), Random()):
        lab = Recorder()
        trained = DPR(encoder=ENCODER, sampler=sampler, temperature=0.1).train(lab)
        assert lab.steps == [("fit", ENCODER, type(sampler).__name__, None)]
        assert trained.search == "checkpoint 1"


def test_dpr_with_ann_searches_its_first_round_and_goes_on_from_it():
    lab = Recorder()
    trained = DPR(encoder=ENCODER, sampler=ANNHard(depth=50)).train(lab)
    assert lab.steps == [
        ("fit", ENCODER, "BM25Hard", None),
        ("search", "checkpoint 1", "train", 50),
        ("fit", "checkpoint 1", "ANNHard", "candidates"),
    ]
    assert trained.search == "checkpoint 3"


def test_pretrained_trains_nothing_and_needs_no_train_split():
    lab = Recorder(splits=("test",))
    retriever = Pretrained(encoder=ENCODER, sampler=BM25Hard())
    retriever.check(Flat(), Scan())
    retriever.check_corpus(lab.corpus, Flat())
    assert retriever.train(lab).search == ("pretrained", ENCODER)
    assert lab.steps == []


def test_dpr_without_train_questions_says_what_is_missing():
    with pytest.raises(LabradorError, match=r"no train split.*qrels/train\.tsv.*retriever=pretrained"):
        DPR(encoder=ENCODER, sampler=BM25Hard()).check_corpus(Recorder(splits=("test",)).corpus, Flat())


def test_what_bm25_cannot_do_is_said():
    bm25 = BM25()
    bm25.check(Flat(), Scan())
    with pytest.raises(LabradorError, match="no vectors to quantize"):
        bm25.check(OPQ(codebooks=8), Scan())
    with pytest.raises(LabradorError, match="search=scan"):
        bm25.check(Flat(), TwoStage())


def test_a_quantizer_that_does_not_fit_is_told_before_training():
    dpr = DPR(encoder=ENCODER, sampler=BM25Hard())
    with pytest.raises(LabradorError, match="codebooks"):
        dpr.check(OPQ(codebooks=7), Scan())
    few = SimpleNamespace(splits=("train", "test"), passages=range(100))
    with pytest.raises(LabradorError, match="centroids"):
        dpr.check_corpus(few, OPQ(codebooks=8))


def test_a_temperature_of_zero_is_told():
    with pytest.raises(LabradorError, match=r"retriever\.temperature=0"):
        DPR(encoder=ENCODER, sampler=BM25Hard(), temperature=0.0)
