"""What each retriever asks of the lab, and what it refuses before any work."""

from types import SimpleNamespace

import pytest
from configured import configured

from labrador.arrays.ragged import Ragged
from labrador.encoders.tiny import Tiny
from labrador.errors import LabradorError
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.losses.contrastive import Contrastive
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import Hash
from labrador.quantizers.opq import OPQ
from labrador.retrievers.bm25 import BM25
from labrador.retrievers.bpr import BPR
from labrador.retrievers.dpr import DPR
from labrador.retrievers.pretrained import Pretrained
from labrador.samplers.ann import ANNHard
from labrador.samplers.ann_and_bm25 import ANNAndBM25
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random
from labrador.training.train_set import TrainSet

OWN = TrainSet(queries=None, positives=None, spared=None, negatives=None, key="the data's own")


class Recorder:
    """A lab that writes down which steps were asked for."""

    def __init__(self, splits=("train", "test")):
        self.steps = []
        self.objectives = []
        self.corpus = SimpleNamespace(splits=splits, passages=range(1000))

    def pretrained(self, encoder):
        return ("pretrained", encoder)

    def train_set(self):
        return OWN

    def fit(self, start, objective, sampler, train_set=None, *, name):
        assert train_set.key == OWN.key
        self.steps.append(("fit", start, type(sampler).__name__, train_set.candidates))
        self.objective = objective
        self.objectives.append(objective)
        return f"checkpoint {len(self.steps)}"

    def learned(self, quantizer, checkpoint):
        self.steps.append(("learned", type(quantizer).__name__, checkpoint))
        return "its hash"

    def search(self, checkpoint, train_set, k):
        self.steps.append(("search", checkpoint, train_set, k))
        return "candidates"


ENCODER = Tiny()


def test_dpr_trains_once_on_mined_or_random_negatives():
    for sampler in (BM25Hard(), Random()):
        lab = Recorder()
        trained = configured(DPR, encoder=ENCODER, sampler=sampler, temperature=0.1).train(lab)
        assert lab.steps == [("fit", ENCODER, type(sampler).__name__, None)]
        assert trained.search == "checkpoint 1"


def test_dpr_with_ann_searches_its_first_round_and_goes_on_from_it():
    lab = Recorder()
    trained = DPR(encoder=ENCODER, sampler=ANNHard(depth=50)).train(lab)
    assert lab.steps == [
        ("fit", ENCODER, "BM25Hard", None),
        ("search", "checkpoint 1", OWN, 50),
        ("fit", "checkpoint 1", "ANNHard", "candidates"),
    ]
    assert trained.search == "checkpoint 3"


def test_ann_and_bm25_trains_anew_on_what_dpr_finds():
    for retriever in (DPR, BPR):
        lab = Recorder()
        trained = configured(retriever, encoder=ENCODER, sampler=ANNAndBM25(depth=50), temperature=0.1).train(lab)
        assert lab.steps[:3] == [
            ("fit", ENCODER, "BM25Hard", None),
            ("search", "checkpoint 1", OWN, 50),
            ("fit", ENCODER, "ANNAndBM25", "candidates"),
        ]
        assert lab.objectives[0] == Contrastive(temperature=0.1)
        assert trained.search == "checkpoint 3"


def test_pretrained_trains_nothing_and_needs_no_train_split():
    lab = Recorder(splits=("test",))
    retriever = Pretrained(encoder=ENCODER, sampler=BM25Hard())
    retriever.check(Flat(), Scan())
    retriever.check_corpus(lab.corpus, Flat())
    assert retriever.train(lab).search == ("pretrained", ENCODER)
    assert lab.steps == []


def test_dpr_without_train_queries_says_what_is_missing():
    with pytest.raises(LabradorError, match=r"no train split.*qrels/train\.tsv.*retriever=pretrained"):
        DPR(encoder=ENCODER, sampler=BM25Hard()).check_corpus(Recorder(splits=("test",)).corpus, Flat())


def test_what_bm25_cannot_do_is_said():
    bm25 = BM25()
    bm25.check(Flat(), Scan())
    with pytest.raises(LabradorError, match="no vectors to quantize"):
        bm25.check(OPQ(codebooks=8), Scan())
    with pytest.raises(LabradorError, match="search=scan"):
        bm25.check(Flat(), TwoStage())


def test_a_quantizer_that_does_not_fit_is_refused_before_training():
    dpr = DPR(encoder=ENCODER, sampler=BM25Hard())
    with pytest.raises(LabradorError, match="codebooks"):
        dpr.check(OPQ(codebooks=7), Scan())
    few = SimpleNamespace(passages=range(100), splits=("train", "test"), spared=lambda split: Ragged.from_lists([[0]]))
    with pytest.raises(LabradorError, match="centroids"):
        dpr.check_corpus(few, OPQ(codebooks=8))


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(LabradorError, match=r"retriever\.temperature=0"):
        configured(DPR, encoder=ENCODER, sampler=BM25Hard(), temperature=0.0)


def bpr(**settings):
    return configured(
        BPR, encoder=settings.pop("encoder", ENCODER), sampler=settings.pop("sampler", BM25Hard()), **settings
    )


def test_bpr_trains_once_and_keeps_the_hash_it_learned():
    lab = Recorder()
    trained = bpr(temperature=0.5, alpha=0.2).train(lab)
    assert lab.steps == [("fit", ENCODER, "BM25Hard", None), ("learned", "Hash", "checkpoint 1")]
    assert (trained.search, trained.quantizer) == ("checkpoint 1", "its hash")
    assert (lab.objective.temperature, lab.objective.alpha) == (0.5, 0.2)


def test_bpr_with_ann_takes_two_rounds():
    lab = Recorder()
    bpr(sampler=ANNHard(depth=50)).train(lab)
    assert [step[0] for step in lab.steps] == ["fit", "search", "fit", "learned"]


def test_the_hash_layer_is_there_where_vectors_are_normalised_unless_set_otherwise():
    assert bpr().objective.hash_layer == "none"
    assert bpr(hash_layer="linear").objective.hash_layer == "linear"
    normalised = Tiny(normalize=True)
    assert bpr(encoder=normalised).objective.hash_layer == "linear"
    assert bpr(encoder=normalised).objective.products == "cosine"
    assert bpr(encoder=normalised, hash_layer="none").objective.hash_layer == "none"


def test_the_dense_loss_is_there_where_vectors_are_normalised_unless_set_otherwise():
    assert bpr().objective.dense_loss == "none"
    assert bpr(dense_loss="cross_entropy").objective.dense_loss == "cross_entropy"
    normalised = Tiny(normalize=True)
    assert bpr(encoder=normalised).objective.dense_loss == "cross_entropy"
    assert bpr(encoder=normalised, dense_loss="none").objective.dense_loss == "none"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1.0}, r"retriever\.alpha=-1"),
        ({"candidate_loss": "none", "rerank_loss": "none"}, r"retriever\.candidate_loss=none: expected another loss"),
        ({"bits": 12}, r"retriever\.bits=12.*multiple of 8"),
        ({"bits": 16, "hash_layer": "none"}, r"retriever\.bits=16: expected null without a hash layer"),
    ],
)
def test_settings_of_bpr_that_cannot_work_are_refused(settings, message):
    with pytest.raises(LabradorError, match=message):
        bpr(**settings)


def test_bits_of_the_quantizer_are_bprs_own():
    hashed = bpr(hash_layer="linear", bits=16)
    hashed.check(Hash(), TwoStage())
    hashed.check(configured(Hash, bits=16), TwoStage())
    with pytest.raises(LabradorError, match=r"quantizer\.bits=8: expected 16, as retriever=bpr .*retriever\.bits=8"):
        hashed.check(configured(Hash, bits=8), TwoStage())


def test_a_supervised_quantizer_without_train_queries_says_what_is_missing():
    without = Recorder(splits=("test",)).corpus
    with pytest.raises(LabradorError, match=r"quantizer=hash: expected judged train queries .* no train split"):
        Pretrained(encoder=ENCODER, sampler=BM25Hard()).check_corpus(without, Hash())
    with pytest.raises(LabradorError, match=r"retriever=bpr: expected judged train queries .* no train split"):
        bpr().check_corpus(without, Flat())


def test_negatives_that_a_learned_quantizer_cannot_have_are_its_own_setting():
    """Ten passages, all of one text."""
    duplicates = SimpleNamespace(
        splits=("train",), passages=range(10), spared=lambda split: Ragged.from_lists([range(10)])
    )
    pretrained = Pretrained(encoder=ENCODER, sampler=BM25Hard())
    with pytest.raises(LabradorError, match=r"quantizer\.negatives=1: expected at most 0: .*set quantizer\.neg"):
        pretrained.check_corpus(duplicates, Hash())
    pretrained.check_corpus(duplicates, Hash(negatives=0))


def test_a_dimension_that_does_not_fill_bytes_needs_bprs_own_bits():
    odd = Tiny(hidden=36)
    bpr(encoder=odd, hash_layer="linear", bits=40).check(Hash(), TwoStage())
    with pytest.raises(LabradorError, match=r"retriever\.bits=null: .* each of 36 dimensions .*set it to 32"):
        bpr(encoder=odd).check(Hash(), TwoStage())


def test_hash_tables_that_do_not_fit_are_refused_before_training():
    with pytest.raises(LabradorError, match=r"search\.key_bits=8"):
        bpr().check(Hash(), HashLookup(tables=9, key_bits=8))
    bpr(hash_layer="linear", bits=80).check(Hash(), HashLookup(tables=9, key_bits=8))
