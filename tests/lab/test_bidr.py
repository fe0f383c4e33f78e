"""BiDR's steps in the store: what is made once, what a killed run keeps, and what its rankings are."""

from collections import Counter

import numpy as np
import pytest
from configured import configured
from layouts import write_layout

from labrador import indexes
from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.indexes.base import QueryVectors
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.lab import Bench, Lab, Trained, encode, lexical
from labrador.losses.bidr import CODEBOOKS
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.opq import OPQ
from labrador.retrievers.bidr import BiDR
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.snowball import Snowball
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)
SEARCH = TwoStage(k=10, candidates=30)
DENSE = TwoStage(k=10, candidates=30, rerank="dense")


@pytest.fixture
def raw(tmp_path):
    return write_layout("beir", tmp_path / "raw")


@pytest.fixture
def new_lab(tmp_path, raw):
    def make(store="store", **train):
        stored = Store(tmp_path / store)
        settings = TrainSettings(**({"max_steps": 2, "batch_size": 4, "learning_rate": 1e-3} | train))
        return Lab(Bench(stored, prepare(Beir(path=str(raw)), stored), settings, 0))

    return make


def bidr(encoder=ENCODER, **settings):
    settings = {"codebooks": 4, "centroids": 16, "sampler": Snowball(depth=10)} | settings
    return configured(BiDR, encoder=encoder, **settings)


def made(store):
    """How many artifacts of each step the store holds."""
    return Counter(step for step, _, _ in store.artifacts())


def test_candidates_are_found_by_codes_and_ranked_by_the_verifier(new_lab):
    lab, retriever = new_lab(), bidr()
    trained = retriever.train(lab)
    ranking = lab.rank(trained, LearnedPQ(), SEARCH, "test")
    coarse = lab.rank(retriever.sparse(lab, lab.train_set()), LearnedPQ(), Scan(k=30), "test").hits.ids
    dense = (
        np.asarray(encode.queries(lab.bench, trained.rerank, lab.bench.queries("test")).array)
        @ np.asarray(encode.passages(lab.bench, trained.rerank).array).T
    )
    for query, candidates in enumerate(coarse):
        best = candidates[np.lexsort((candidates, -dense[query, candidates]))][:10]
        assert set(ranking.hits.ids[query]) == set(best)
        np.testing.assert_allclose(ranking.hits.scores[query], dense[query, best], rtol=1e-4)
    inputs = lab.bench.ledger.used[ranking.key][1].manifest["inputs"]
    assert inputs["dense"] == encode.passages(lab.bench, trained.rerank).key
    assert inputs["verifier"] == encode.queries(lab.bench, trained.rerank, lab.bench.queries("test")).key
    assert ranking.bytes_per_passage == 2  # 4 codewords of 4 bits
    assert ranking.disk_bytes == encode.passages(lab.bench, trained.rerank).array.nbytes
    assert ranking.index_bytes < ranking.disk_bytes
    assert set(ranking.cost["latency_ms"]) == {"p50", "p99", "candidates", "rerank"}


def test_a_run_killed_anywhere_goes_on_and_ends_as_if_it_had_not_been(new_lab, monkeypatch):
    """Every artifact is written once, however often the run is killed while it writes the next one."""
    straight = bidr().rank(new_lab("straight"), LearnedPQ(), SEARCH, "test")
    written, allowed = [], 0
    make = Store.make

    def killing(store, recipe, write):
        def counted(folder):
            if len(written) >= allowed:
                raise KeyboardInterrupt
            result = write(folder)
            written.append(recipe.step)
            return result

        return make(store, recipe, counted)

    monkeypatch.setattr(Store, "make", killing)
    ranking = None
    while ranking is None:
        allowed = len(written) + 1
        try:
            ranking = bidr().rank(new_lab(), LearnedPQ(), SEARCH, "test")
        except KeyboardInterrupt:
            continue
    assert Counter(written) == made(new_lab().bench.store)
    assert Counter(written) == made(new_lab("straight").bench.store)
    np.testing.assert_array_equal(ranking.hits.ids, straight.hits.ids)
    assert ranking.key == straight.key


def test_another_sampler_or_compression_trains_only_what_depends_on_it(new_lab):
    lab = new_lab()
    bidr().rank(lab, LearnedPQ(), SEARCH, "test")
    before = made(lab.bench.store)
    assert before["fit"] == 3
    assert before["candidates"] == 1
    bidr().rank(new_lab(), OPQ(codebooks=4, centroids=16, iterations=3), SEARCH, "test")
    assert made(lab.bench.store)["fit"] == 3
    bidr(sampler=Snowball(depth=10, negatives=2)).rank(new_lab(), LearnedPQ(), SEARCH, "test")
    assert made(lab.bench.store)["fit"] == 4
    assert made(lab.bench.store)["candidates"] == 1


@pytest.mark.parametrize("shared", [True, False])
def test_a_unified_query_learns_alone(new_lab, shared):
    encoder = Tiny(shared=shared, pooling="mean", max_passage_length=64)
    lab, retriever = new_lab(), bidr(encoder, unified_query=True)
    trained = retriever.train(lab)
    for other in (trained.search, trained.rerank):
        queries = [
            np.asarray(encode.queries(lab.bench, checkpoint, lab.bench.queries("test")).array)
            for checkpoint in (trained.query, other)
        ]
        assert not np.allclose(*queries)
    if not shared:  # the passage tower is the one that the training started from
        passages = [
            np.asarray(encode.passages(lab.bench, checkpoint).array) for checkpoint in (trained.query, trained.rerank)
        ]
        np.testing.assert_array_equal(*passages)
    ranking = retriever.rank(lab, LearnedPQ(), SEARCH, "test")
    query = np.asarray(encode.queries(lab.bench, trained.query, lab.bench.queries("test")).array)
    dense = query @ np.asarray(encode.passages(lab.bench, trained.rerank).array).T
    best = np.take_along_axis(dense, np.asarray(ranking.hits.ids), axis=1)
    np.testing.assert_allclose(ranking.hits.scores, best, rtol=1e-4)


def test_a_unified_query_finds_the_candidates_too(new_lab):
    lab, retriever = new_lab(), bidr(unified_query=True)
    found = retriever.rank(lab, LearnedPQ(), TwoStage(k=10, candidates=10), "test").hits.ids
    trained = retriever.train(lab)
    index = indexes.of(trained.quantizer.fitted, ties_from=lab.bench.ties_from)
    index.add(np.asarray(encode.codes(lab.bench, trained.quantizer, trained.search).array))
    near, other = (
        index.search(QueryVectors(encode.queries(lab.bench, checkpoint, lab.bench.queries("test")).array), 10).ids
        for checkpoint in (trained.query, trained.search)
    )
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(near, axis=1))
    assert not np.array_equal(np.sort(found, axis=1), np.sort(other, axis=1))


def test_a_training_is_named_by_all_that_it_stands_on(new_lab):
    lab, retriever = new_lab(), bidr(unified_query=True)
    trained = retriever.train(lab)
    start = lab.fit_quantizer(retriever.start, lab.fit(ENCODER, retriever.contrastive, BM25Hard(), name="again"))
    assert lab.bench.ledger.used[trained.search.key][1].manifest["inputs"]["quantizer"] == start.artifact.key
    unified = lab.bench.ledger.used[trained.query.key][1].manifest["inputs"]
    codes, dense = (
        encode.codes(lab.bench, trained.quantizer, trained.search),
        encode.passages(lab.bench, trained.rerank),
    )
    named = {"codes": codes.key, "quantizer": trained.quantizer.artifact.key, "dense": dense.key}
    assert {name: unified[f"passages.{name}"] for name in named} == named
    assert unified["lexical"] == lexical.negatives(lab.bench, lab.train_set(), 100).key  # of its sparse term


def test_codewords_move_from_where_the_quantizer_left_them(new_lab):
    lab, retriever = new_lab(), bidr()
    sparse = retriever.sparse(lab, lab.train_set())
    coarse = lab.fit(ENCODER, retriever.contrastive, BM25Hard(), name="again")
    start = lab.fit_quantizer(retriever.start, coarse).fitted.state()[CODEBOOKS]
    moved = sparse.quantizer.fitted.state()[CODEBOOKS]
    assert 0 < np.abs(moved - start).max() < 0.01  # two steps of 1e-3


def test_a_rerank_by_the_encoders_own_vectors_is_named_by_them(new_lab):
    lab = new_lab()
    checkpoint = lab.pretrained(ENCODER)
    ranking = lab.rank(Trained(search=checkpoint), OPQ(codebooks=4, centroids=16), DENSE, "test")
    inputs = lab.bench.ledger.used[ranking.key][1].manifest["inputs"]
    assert inputs["dense"] == encode.passages(lab.bench, checkpoint).key
    assert "verifier" not in inputs
