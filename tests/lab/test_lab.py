"""What enters which key: the promises of the lab, on a small corpus with the tiny encoder."""

import json
import os
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from layouts import write_layout

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.lab import Bench, Lab, Trained, artifacts, compress, encode, mine
from labrador.losses.bpr import BPRLoss
from labrador.losses.contrastive import Contrastive
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import Hash
from labrador.quantizers.lsh import LSH
from labrador.samplers.ann import ANNHard
from labrador.samplers.bm25 import BM25Hard
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)
METRICS = ("MRR@10", "R@5")


@pytest.fixture
def raw(tmp_path):
    return write_layout("beir", tmp_path / "raw")


@pytest.fixture
def new_lab(tmp_path, raw):
    def make(seed=0, **train):
        store = Store(tmp_path / "store")
        settings = TrainSettings(**({"max_steps": 2, "batch_size": 4} | train))
        return Lab(Bench(store, prepare(Beir(path=str(raw)), store), settings, seed))

    return make


def whole(lab, quantizer=None, search=None):
    checkpoint = lab.fit(ENCODER, Contrastive(), BM25Hard(), name="test")
    ranking = lab.rank(Trained(search=checkpoint), quantizer or Flat(), search or Scan(k=10), "test")
    lab.score(ranking, "test", "tag", METRICS)
    return lab


def made(store):
    """How many artifacts of each step the store holds."""
    return Counter(step for step, _, _ in store.artifacts())


def new_steps(lab, change):
    """The steps that `change` makes anew after `lab` ran."""
    before = made(lab.bench.store)
    change()
    return set(made(lab.bench.store) - before)


def test_another_quantizer_or_search_trains_and_encodes_nothing(new_lab):
    lab = whole(new_lab())
    assert new_steps(lab, lambda: whole(new_lab(), LSH())) == {"quantizer", "codes", "ranking", "measurement", "scores"}
    assert new_steps(lab, lambda: whole(new_lab(), LSH(), TwoStage(k=10))) == {"ranking", "measurement", "scores"}


def test_another_seed_or_training_trains_again(new_lab):
    lab = whole(new_lab())
    assert "fit" in new_steps(lab, lambda: whole(new_lab(seed=1)))
    assert "fit" in new_steps(lab, lambda: whole(new_lab(learning_rate=1e-3)))


def test_a_quantizer_of_another_version_is_fitted_again(new_lab, monkeypatch):
    lab = whole(new_lab(), LSH())
    monkeypatch.setattr(LSH, "version", LSH.version + 1)
    assert new_steps(lab, lambda: whole(new_lab(), LSH())) == {"quantizer", "codes", "ranking", "measurement", "scores"}


@pytest.mark.parametrize("component", [Contrastive, BM25Hard])
def test_an_objective_or_a_sampler_of_another_version_trains_again(new_lab, monkeypatch, component):
    lab = whole(new_lab())
    monkeypatch.setattr(component, "version", component.version + 1)
    assert "fit" in new_steps(lab, lambda: whole(new_lab()))


FROM_VECTORS = {"vectors", "quantizer", "codes", "ranking", "measurement", "scores"}
MADE_FROM = {  # what is made anew with a step of another version
    "tokens": {"tokens", "fit", *FROM_VECTORS},
    "bm25": {"bm25", "negatives", "fit", *FROM_VECTORS},
    "negatives": {"negatives", "fit", *FROM_VECTORS},
    "pretrained": {"fit", *FROM_VECTORS},
    "fit": {"fit", *FROM_VECTORS},
    "vectors": FROM_VECTORS,
    "quantizer": FROM_VECTORS - {"vectors"},
    "codes": FROM_VECTORS - {"vectors", "quantizer"},
    "ranking": {"ranking", "measurement", "scores"},
    "measurement": {"measurement"},
    "scores": {"scores"},
}


def raised(monkeypatch, step):
    """Give a step another version."""
    monkeypatch.setattr(artifacts, step.upper(), replace(getattr(artifacts, step.upper()), version=99))


def test_a_step_of_another_version_makes_anew_what_stands_on_it(new_lab, monkeypatch):
    lab = whole(new_lab(max_steps=1), LSH())
    for step, expected in MADE_FROM.items():
        with monkeypatch.context() as patched:
            raised(patched, step)
            assert new_steps(lab, lambda: whole(new_lab(max_steps=1), LSH())) == expected, step


def test_a_hash_table_of_another_version_is_searched_again(new_lab, monkeypatch):
    search = HashLookup(k=10, tables=2)
    lab = whole(new_lab(), LSH(), search)
    raised(monkeypatch, "structure")
    expected = {"structure", "ranking", "measurement", "scores"}
    assert new_steps(lab, lambda: whole(new_lab(), LSH(), search)) == expected


def test_settings_that_change_no_result_make_nothing(new_lab):
    lab = whole(new_lab())
    assert new_steps(lab, lambda: whole(new_lab(save_steps=1, log_steps=1))) == set()


def test_a_touched_corpus_is_converted_again_and_nothing_else(new_lab, raw):
    lab = whole(new_lab())
    os.utime(raw / "corpus.jsonl", (1, 1))
    assert new_steps(lab, lambda: whole(new_lab())) == {"passages", "data"}
    os.utime(raw / "queries.jsonl", (1, 1))
    assert new_steps(lab, lambda: whole(new_lab())) == {"data"}


def test_a_changed_judgement_scores_again_and_encodes_nothing(new_lab, raw):
    lab = whole(new_lab())
    path = raw / "qrels" / "test.tsv"
    header, first, *others = path.read_text().splitlines(keepends=True)
    query, _, grade = first.split("\t")
    path.write_text(header + first + f"{query}\t{others[0].split(chr(9))[1]}\t{grade}" + "".join(others))
    assert new_steps(lab, lambda: whole(new_lab())) == {"data", "scores"}


def test_candidates_are_the_best_passages_without_the_positives(new_lab):
    lab = new_lab()
    checkpoint = lab.pretrained(ENCODER)
    lists = lab.search(checkpoint, lab.train_set(), k=12).lists
    scores = (
        encode.queries(lab.bench, checkpoint, lab.bench.queries("train")).array
        @ encode.passages(lab.bench, checkpoint).array.T
    )
    for query, positives in enumerate(lab.bench.corpus.positives("train")):
        best = np.argsort(-scores[query], kind="stable")[:12]
        expected = [row for row in best if row not in positives]
        np.testing.assert_allclose(scores[query][lists[query]], scores[query][expected], rtol=1e-5)
        assert not set(lists[query]) & set(positives)


def test_negatives_of_a_checkpoint_must_be_given(new_lab):
    with pytest.raises(Exception, match="none were given"):
        new_lab().fit(ENCODER, Contrastive(), ANNHard(), name="test")


def test_seconds_and_keys_account_for_everything_used(new_lab):
    lab = whole(new_lab())
    assert set(lab.bench.ledger.keys(lab.bench.corpus)) >= {
        "fit",
        "vectors",
        "vectors.2",
        "tokens",
        "quantizer",
        "ranking",
        "scores",
        "bm25",
    }
    kept = {key for step, key, _ in lab.bench.store.artifacts() if step != "passages"}  # an input of "data"
    assert set(lab.bench.ledger.keys(lab.bench.corpus).values()) == kept
    assert lab.bench.ledger.drawn(lab.bench.corpus) == {"fit": lab.bench.ledger.keys(lab.bench.corpus)["fit"]}
    stages = lab.bench.ledger.seconds()
    assert stages["train"] > 0
    assert stages["encode"] > 0


def test_a_drawn_quantizer_is_named_next_to_the_training(new_lab):
    lab = whole(new_lab(), LSH(bits=24))
    assert lab.bench.ledger.drawn(lab.bench.corpus) == {
        name: lab.bench.ledger.keys(lab.bench.corpus)[name] for name in ("fit", "quantizer")
    }


def bpr(lab, quantizer=None, search=None):
    """BPR's recipe: an encoder and a hash, ranked by `quantizer`."""
    checkpoint = lab.fit(ENCODER, BPRLoss(), BM25Hard(), name="bpr")
    trained = Trained(search=checkpoint, quantizer=lab.learned(Hash(), checkpoint))
    ranking = lab.rank(trained, quantizer or Hash(), search or TwoStage(k=10), "test")
    lab.score(ranking, "test", "tag", METRICS)
    return lab, checkpoint, trained.quantizer


def vectors_of(store, side):
    """The vectors of passages or queries in the store."""
    folders = [folder for step, _, folder in store.artifacts() if step == "vectors"]
    return [
        folder for folder in folders if json.loads((folder / "manifest.json").read_text())["config"]["side"] == side
    ]


def test_a_hash_learned_with_the_encoder_stores_codes_and_no_passage_vectors(new_lab):
    lab, checkpoint, fitted = bpr(new_lab())
    assert not vectors_of(lab.bench.store, "passage")
    codes = np.array(encode.codes(lab.bench, fitted, checkpoint).array)
    expected = fitted.fitted.encode(np.asarray(encode.passages(lab.bench, checkpoint).array))
    np.testing.assert_array_equal(codes, expected)


def test_stored_vectors_are_not_encoded_again_for_codes(new_lab, monkeypatch):
    lab, checkpoint, fitted = bpr(new_lab(), Flat(), Scan(k=10))
    monkeypatch.setattr("labrador.encoding.encode", lambda *arguments: pytest.fail("encoded again"))
    codes = encode.codes(lab.bench, fitted, checkpoint)
    np.testing.assert_array_equal(
        codes.array, fitted.fitted.encode(np.asarray(encode.passages(lab.bench, checkpoint).array))
    )
    seconds = {key: artifact.seconds for key, (_, artifact) in lab.bench.ledger.used.items()}
    assert (
        seconds[codes.key] > seconds[encode.passages(lab.bench, checkpoint).key]
    )  # what encoding took is not forgotten


def test_other_compressions_of_a_hash_retriever_train_nothing(new_lab):
    lab, _, _ = bpr(new_lab())
    assert new_steps(lab, lambda: bpr(new_lab(), LSH(), Scan(k=10))) == {
        "vectors",
        "quantizer",
        "codes",
        "ranking",
        "measurement",
        "scores",
    }
    assert new_steps(lab, lambda: bpr(new_lab(), Hash(), Scan(k=10))) == {"ranking", "measurement", "scores"}


def test_a_hash_on_frozen_vectors_trains_no_encoder(new_lab):
    lab = whole(new_lab())
    hashed = Hash(steps=2, batch_size=4)
    assert new_steps(lab, lambda: whole(new_lab(), hashed)) == {
        "vectors",  # of the train queries
        "candidates",
        "quantizer",
        "codes",
        "ranking",
        "measurement",
        "scores",
    }
    assert new_steps(lab, lambda: whole(new_lab(), hashed, TwoStage(k=10))) == {"ranking", "measurement", "scores"}


def test_candidates_of_a_sample_are_those_of_all_queries(new_lab):
    lab = new_lab()
    checkpoint = lab.pretrained(ENCODER)
    train_set = lab.train_set()
    every, some = lab.search(checkpoint, train_set, k=5), mine.candidates(lab.bench, checkpoint, train_set, 5, limit=3)
    assert every.key != some.key
    rows = np.flatnonzero(some.lists.lengths)
    assert rows.tolist() == train_set.judged(3, 0).tolist()
    for row in rows:
        assert some.lists[row].tolist() == every.lists[row].tolist()
    assert mine.candidates(lab.bench, checkpoint, train_set, 5, limit=10**6).key == every.key


def test_a_killed_encoding_of_codes_goes_on_where_it_stopped(new_lab, monkeypatch):
    from labrador import encoding
    from labrador.arrays import npy

    lab = new_lab()
    checkpoint = lab.fit(ENCODER, BPRLoss(), BM25Hard(), name="bpr")
    fitted = lab.learned(Hash(), checkpoint)
    settings = encoding.EncodeSettings
    monkeypatch.setattr(encoding, "EncodeSettings", lambda **given: settings(**given, shard_size=8))
    written = npy.write_rows
    shards = []

    def killed(out, first, rows):
        if len(shards) == 3:
            raise KeyboardInterrupt
        shards.append(first)
        written(out, first, rows)

    monkeypatch.setattr(npy, "write_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        encode.codes(lab.bench, fitted, checkpoint)
    again = []
    monkeypatch.setattr(npy, "write_rows", lambda out, first, rows: (again.append(first), written(out, first, rows)))
    codes = np.array(encode.codes(lab.bench, fitted, checkpoint).array)
    assert shards == [0, 8, 16]
    assert again == list(range(24, len(codes), 8))
    np.testing.assert_array_equal(codes, fitted.fitted.encode(np.asarray(encode.passages(lab.bench, checkpoint).array)))


def test_judged_queries_belong_together_when_some_are_drawn(new_lab):
    lab = new_lab()
    checkpoint = lab.pretrained(ENCODER)
    pairs, _ = compress.judged_queries(lab.bench, Hash(training_queries=5, depth=10), checkpoint)
    rows = lab.train_set().judged(5, 0)
    judged, vectors = (
        lab.bench.corpus.positives("train"),
        encode.queries(lab.bench, checkpoint, lab.bench.queries("train")).array,
    )
    assert len(pairs.queries) == len(pairs.positives) == len(pairs.negatives) == 5
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(pairs.queries[place], vectors[row])
        assert pairs.positives[place].tolist() == judged[row].tolist()
        assert not set(pairs.negatives[place]) & set(judged[row])
        assert len(pairs.negatives[place])
