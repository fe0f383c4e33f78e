"""Ties in every index: equal scores in the order of ties, whatever the number of queries, in memory that does not grow.

`ties_from` 0 against another start: the same scores, and the ranking that the other start's order of passages gives.
"""

import tracemalloc

import numpy as np
import pytest

from labrador.indexes import hash_lookup, streamed, ties
from labrador.indexes.base import QueryTexts, QueryVectors
from labrador.indexes.bm25 import BM25Index, build_bm25
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import HashCodec
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D = 16
QUANTIZERS = {
    "flat": Flat(),
    "sq8": SQ8(),
    "lsh": LSH(bits=8),
    "pq": PQ(codebooks=2, centroids=16),
    "opq": OPQ(codebooks=2, centroids=16, iterations=2),
    "rabitq": RaBitQ(),
}
SEARCHES = {
    "scan": Scan(),
    "codes": TwoStage(candidates=150, rerank="codes"),
    "dense": TwoStage(candidates=150, rerank="dense"),
    "lookup": HashLookup(candidates=150, rerank="codes", tables=2, key_bits=3, flips=1),
}
COMBINATIONS = [
    (name, search) for name in QUANTIZERS for search in SEARCHES if search != "lookup" or QUANTIZERS[name].binary
]
every = pytest.mark.parametrize(("name", "search"), COMBINATIONS)


def copies(count, dtype=np.float32):
    """Vectors of which each is there many times, in no order."""
    rng = np.random.default_rng(0)
    few = rng.standard_normal((max(1, count // 12), D)).astype(dtype)
    return few[rng.integers(0, len(few), count)]


def index_of(name, search, x, folder, ties_from=0):
    codec = QUANTIZERS[name].fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    component = SEARCHES[search]
    if component.structure() is not None:
        component.prepare(codec, codes, folder)
    return component.build(Searchable(codec, codes, ties_from, vectors=x, prepared=folder))


@every
@pytest.mark.parametrize("queries", [1, 9, 40])
@pytest.mark.parametrize("ties_from", [0, 1, 217, 399])
def test_the_start_of_ties_is_that_of_the_passages_in_another_order(
    monkeypatch, tmp_path, name, search, queries, ties_from
):
    """Passages from `ties_from` on, then those before: the ranking of that order, in the rows of the first."""
    monkeypatch.setattr(ties, "PART", 64)
    monkeypatch.setattr(streamed, "BLOCK_BYTES", 4 * D * 90)
    monkeypatch.setattr(hash_lookup, "BLOCK_BYTES", 60)
    x = copies(400)
    q = np.random.default_rng(1).standard_normal((queries, D), dtype=np.float32)
    hits = index_of(name, search, x, tmp_path, ties_from).search(QueryVectors(q), 60)
    codec = QUANTIZERS[name].fit(TrainingVectors(x), 0)
    turned = np.roll(x, -ties_from, axis=0)
    codes = codec.encode(turned)
    assert (codes == np.roll(codec.encode(x), -ties_from, axis=0)).all()
    if SEARCHES[search].structure() is not None:
        SEARCHES[search].prepare(codec, codes, tmp_path)
    expected = (
        SEARCHES[search].build(Searchable(codec, codes, vectors=turned, prepared=tmp_path)).search(QueryVectors(q), 60)
    )
    assert (hits.scores == expected.scores).all()
    assert (hits.ids == (expected.ids + ties_from) % 400).all()
    same = np.diff(hits.scores, axis=1) == 0
    assert same.any()
    assert (np.diff((hits.ids - ties_from) % 400, axis=1)[same] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("dimension", [64, 384, 768])
def test_equal_vectors_score_the_same_wherever_they_lie_in_a_batch_of_any_size(dtype, dimension):
    """A matrix product of as many queries rounds by where a vector lies."""
    rng = np.random.default_rng(0)
    few, which = rng.standard_normal((31, dimension)).astype(dtype), np.zeros(1100, dtype=int)
    which[rng.permutation(1100)[:30]] = np.arange(1, 31)
    x = few[which]
    codec = Flat().fit(TrainingVectors(x), 0)
    index = Scan().build(Searchable(codec, codec.encode(x), ties_from=500))
    q = rng.standard_normal((2_000 if dimension == 64 else 340, dimension), dtype=np.float32)
    hits = index.search(QueryVectors(q), 50)
    exact = (q.astype(np.float64) @ few.astype(np.float64).T)[:, which]
    places = np.broadcast_to((np.arange(1100) - 500) % 1100, exact.shape)
    expected = np.lexsort((places, -exact), axis=-1)[:, :50]
    assert (hits.ids == expected).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_large_batch_is_brute_force(monkeypatch, dtype):
    monkeypatch.setattr(streamed, "BLOCK_BYTES", 4 * 384 * 700)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 384)).astype(dtype)
    q = rng.standard_normal((400, 384), dtype=np.float32)
    codec = Flat().fit(TrainingVectors(x), 0)
    hits = Scan().build(Searchable(codec, codec.encode(x))).search(QueryVectors(q), 100)
    exact = q.astype(np.float64) @ x.astype(np.float64).T
    expected = np.argsort(-exact, axis=1)[:, :100]
    assert (hits.ids == expected).mean() > 0.999  # but for scores that float32 does not tell apart
    assert np.allclose(hits.scores, np.take_along_axis(exact, hits.ids, axis=1), rtol=1e-4, atol=1e-4)


def peak(index, q):
    index.search(QueryVectors(q), 5)
    tracemalloc.start()
    try:
        hits = index.search(QueryVectors(q), 5)
        return hits, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@every
def test_memory_does_not_grow_with_the_passages_that_score_the_same(monkeypatch, tmp_path, name, search):
    """All vectors the same: three times the passages take no more."""
    monkeypatch.setattr(ties, "PART", 256)
    monkeypatch.setattr(streamed, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(hash_lookup, "MANY", 1 << 10)
    q = np.random.default_rng(1).standard_normal((40, D), dtype=np.float32)
    peaks = []
    for count in (6_000, 18_000):
        x = np.ones((count, D), dtype=np.float32)
        hits, taken = peak(index_of(name, search, x, tmp_path, ties_from=count - 2), q)
        assert hits.ids.tolist() == [[count - 2, count - 1, 0, 1, 2]] * 40
        peaks.append(taken)
    assert peaks[1] < 1.2 * peaks[0] + 10_000
    assert peaks[0] < 4_000_000


def test_bm25_breaks_ties_from_a_row_on(tmp_path):
    texts = ["red fox"] * 5 + ["red red fox"] + ["blue heron"] * 2 + ["red fox"] * 4
    build_bm25([[("", text) for text in texts]], tmp_path)
    for ties_from, expected in ((0, [0, 1, 2, 3, 4, 8, 9, 10, 11]), (3, [3, 4, 8, 9, 10, 11, 0, 1, 2])):
        index = BM25Index(tmp_path, ties_from=ties_from)
        for k in (4, 12):
            (found,) = index.search(QueryTexts(["fox"]), k).ids.tolist()
            assert [row for row in found if row not in (5, -1)] == expected[: k - (5 in found)]
    index = BM25Index(tmp_path, ties_from=9)
    assert index.search(QueryTexts(["fox", "heron"]), 3).ids.tolist()[0] == [9, 10, 11]


def test_copies_of_a_code_are_found_from_the_start_of_ties_on_by_a_learned_hash():
    codec = HashCodec(None, 8)
    x = np.ones((300, 8), dtype=np.float32)
    index = Scan().build(Searchable(codec, codec.encode(x), ties_from=299))
    for queries in (1, 20):
        assert index.search(QueryVectors(x[:queries]), 3).ids.tolist() == [[299, 0, 1]] * queries
