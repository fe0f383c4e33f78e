"""BiDR's recipe step by step, and what it refuses before any work."""

from types import SimpleNamespace

import pytest
from configured import configured

from labrador.arrays.ragged import Ragged
from labrador.encoders.tiny import Tiny
from labrador.errors import LabradorError
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.lab import Trained
from labrador.losses.bidr import BiDRLoss, UnifiedQueryLoss
from labrador.losses.contrastive import Contrastive
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.retrievers.bidr import BiDR
from labrador.samplers.ann import ANNHard
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random
from labrador.samplers.snowball import Snowball
from labrador.training.train_set import TrainSet

ENCODER = Tiny(pooling="mean", shared=True)


def corpus_of(passages, splits=("train", "test")):
    """A corpus whose train query has one positive."""
    return SimpleNamespace(splits=splits, passages=range(passages), spared=lambda split: Ragged.from_lists([[0]]))


OWN = TrainSet(queries=None, positives=None, spared=None, negatives=None, key="the data's own")


class Recorder:
    """A lab that writes down what each step was given."""

    def __init__(self, splits=("train", "test")):
        self.steps = {}
        self.corpus = corpus_of(1000, splits)

    def train_set(self):
        return OWN

    def fit(self, start, objective, sampler, train_set, *, name, quantizer=None):
        assert train_set.key == OWN.key
        self.steps[name] = (start, objective, sampler, train_set.candidates, quantizer, train_set.frozen)
        return f"checkpoint of {name}"

    def fit_quantizer(self, quantizer, checkpoint):
        self.steps["quantizer"] = (quantizer, checkpoint)
        return "fitted"

    def learned(self, quantizer, checkpoint):
        self.steps["learned"] = (quantizer, checkpoint)
        return "learned codes"

    def search(self, checkpoint, train_set, k, quantizer):
        self.steps["search"] = (checkpoint, train_set, k, quantizer)
        return "candidates"

    def frozen(self, sparse, dense):
        return ("frozen", sparse.search, dense)

    def rank(self, trained, quantizer, search, split):
        return trained


def bidr(sampler=None, **settings):
    return configured(BiDR, encoder=ENCODER, sampler=sampler or Snowball(depth=20), temperature=0.1, **settings)


def test_the_recipe_is_the_papers():
    lab = Recorder()
    trained = bidr().train(lab)
    assert list(lab.steps) == ["bidr, global", "quantizer", "bidr, sparse", "learned", "search", "bidr, local"]
    contrastive = Contrastive(temperature=0.1)
    assert lab.steps["bidr, global"] == (ENCODER, contrastive, BM25Hard(), None, None, None)
    assert lab.steps["quantizer"] == (OPQ(codebooks=ENCODER.dimension // 8), "checkpoint of bidr, global")
    start, objective, sampler, candidates, quantizer, _ = lab.steps["bidr, sparse"]
    assert (start, sampler, candidates, quantizer) == ("checkpoint of bidr, global", BM25Hard(), None, "fitted")
    assert objective == BiDRLoss(codebooks=ENCODER.dimension // 8, temperature=0.1, sharpness=1.0, reconstruction=0.0)
    assert lab.steps["search"] == ("checkpoint of bidr, sparse", OWN, 20, "learned codes")
    assert lab.steps["bidr, local"] == (ENCODER, contrastive, Snowball(depth=20), "candidates", None, None)
    assert trained == Trained("checkpoint of bidr, sparse", "learned codes", "checkpoint of bidr, local")


@pytest.mark.parametrize(("sampler", "searched"), [(ANNHard(), True), (Random(), False), (BM25Hard(), False)])
def test_the_sampler_is_that_of_the_second_stage(sampler, searched):
    lab = Recorder()
    bidr(sampler).train(lab)
    assert ("search" in lab.steps) == searched
    assert lab.steps["bidr, local"][2:4] == (sampler, "candidates" if searched else None)
    assert lab.steps["bidr, sparse"][2] == BM25Hard()


def test_a_unified_query_is_trained_last_against_passages_that_stay():
    lab = Recorder()
    trained = bidr(unified_query=True).train(lab)
    start, objective, sampler, candidates, _, frozen = lab.steps["bidr, unified query"]
    assert list(lab.steps)[-1] == "bidr, unified query"
    assert (start, objective) == ("checkpoint of bidr, local", UnifiedQueryLoss(temperature=0.1))
    assert (sampler, candidates) == (Snowball(depth=20), "candidates")
    assert frozen == ("frozen", "checkpoint of bidr, sparse", "checkpoint of bidr, local")
    assert trained.query == "checkpoint of bidr, unified query"
    lexical = [name for name, step in lab.steps.items() if getattr(step[1], "lexical", False)]
    assert lexical == ["bidr, unified query"]  # of its sparse term, as in the sparse stage


def test_every_stage_trains_on_the_positive_that_the_sampler_asks_for():
    lab = Recorder()
    bidr(Snowball(depth=20, positive="first"), unified_query=True).train(lab)
    samplers = [step[2] for name, step in lab.steps.items() if name.startswith("bidr, ")]
    assert [sampler.positive for sampler in samplers] == ["first"] * 4


@pytest.mark.parametrize(
    ("search", "settings", "verified"),
    [
        (TwoStage(), {}, True),
        (TwoStage(rerank="dense"), {}, True),
        (TwoStage(rerank="codes"), {}, False),
        (Scan(), {}, False),
        (Scan(), {"unified_query": True}, True),
    ],
)
def test_a_verifier_is_trained_only_for_a_search_that_has_one(search, settings, verified):
    trained = bidr(**settings).rank(Recorder(), LearnedPQ(), search, "test")
    assert (trained.rerank is not None) == verified
    assert bidr(**settings).unused(search) == (() if verified else ("sampler",))  # of the dense stage alone


@pytest.mark.parametrize(("init", "kind", "weight"), [("opq", OPQ, 0.0), ("pq", PQ, 1e-6), ("random", None, 1e-6)])
def test_what_codewords_start_from_decides_the_weight_of_their_error(init, kind, weight):
    lab = Recorder()
    bidr(init=init).train(lab)
    assert lab.steps["bidr, sparse"][1].reconstruction == weight
    assert type(lab.steps.get("quantizer", [None])[0]) is (kind or type(None))
    assert lab.steps["bidr, sparse"][4] == ("fitted" if kind else None)
    assert bidr(init=init, reconstruction=0.5).objective.reconstruction == 0.5


def test_a_normalised_encoder_has_a_sharper_assignment():
    unit = Tiny(pooling="mean", normalize=True, projection=64)
    assert configured(BiDR, encoder=unit, sampler=Random()).objective.sharpness == 64
    assert configured(BiDR, encoder=unit, sampler=Random(), codebooks=4).objective.sharpness == 32
    assert bidr().objective.sharpness == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codebooks": 0}, "retriever.codebooks=0"),
        ({"centroids": 100}, "retriever.centroids=100"),
        ({"reconstruction": -1.0}, "retriever.reconstruction=-1: "),
        ({"layer_learning_rate": 0.0}, "retriever.layer_learning_rate=0: "),
        ({"temperature": 0.0}, "retriever.temperature=0: "),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, message):
    with pytest.raises(LabradorError, match=message):
        configured(BiDR, encoder=ENCODER, sampler=Random(), **settings)


def test_codebooks_are_chosen_with_the_retriever():
    with pytest.raises(LabradorError, match=r"set retriever\.codebooks=8 and leave quantizer\.codebooks out"):
        bidr().check(configured(LearnedPQ, codebooks=8), TwoStage())
    bidr(codebooks=8).check(configured(LearnedPQ, codebooks=8), TwoStage())
    with pytest.raises(LabradorError, match=r"retriever\.codebooks=7: expected a divisor"):
        bidr(codebooks=7).check(OPQ(codebooks=8), TwoStage())


def test_it_needs_judged_train_queries_and_as_many_passages_as_codewords():
    with pytest.raises(LabradorError, match=r"retriever=bidr: expected judged train queries .* no train split"):
        bidr().check_corpus(Recorder(splits=("test",)).corpus, LearnedPQ())
    few = corpus_of(100)
    with pytest.raises(LabradorError, match=r"retriever\.centroids=256: expected at most one for each of 100"):
        bidr().check_corpus(few, LearnedPQ())
    bidr(init="random").check_corpus(few, LearnedPQ())
    with pytest.raises(LabradorError, match=r"sampler\.negatives=100: a query has only 99 passages"):
        bidr(sampler=Random(negatives=100), init="random").check_corpus(few, LearnedPQ())
