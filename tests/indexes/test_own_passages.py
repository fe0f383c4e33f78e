"""Rankings without a query's own passage: what an index gives that never had it."""

import numpy as np
import pytest

from labrador.indexes.base import Hits, QueryTexts, QueryVectors
from labrador.indexes.bm25 import BM25Index, build_bm25
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.lsh import LSH

PASSAGES, QUERIES = 60, 9


@pytest.fixture(scope="module")
def vectors():
    """Passages of 24 dimensions, and queries: 0 to 5 are passages 0, 10, 20, ..., the others are none."""
    x = np.random.default_rng(0).integers(-2, 3, (PASSAGES, 24)).astype(np.float32)
    x[:, 0] = 1
    own = np.array([0, 10, 20, 30, 40, 50, -1, -1, -1])
    queries = np.where(own[:, None] >= 0, x[own], x[[3, 4, 5] * 3] + 0.5).astype(np.float32)
    return x, queries, own


def without(search, codec, x, query, own, k):
    """What the index of all passages but one gives, in rows of the whole corpus."""
    left = np.delete(np.arange(len(x)), own) if own >= 0 else np.arange(len(x))
    codes = codec.encode(x[left])
    hits = search.build(Searchable(codec, codes, vectors=x[left])).search(QueryVectors(query[None]), k)
    return np.where(hits.ids >= 0, left[hits.ids], -1)[0], hits.scores[0]


@pytest.mark.parametrize("quantizer", [Flat(), LSH(bits=16)], ids=str)
@pytest.mark.parametrize(
    ("search", "k"),
    [
        (Scan(), 1),
        (Scan(), 7),
        (TwoStage(candidates=8, rerank="codes"), 5),
        (TwoStage(candidates=8, rerank="dense"), 8),
        (TwoStage(candidates=PASSAGES - 1, rerank="dense"), 10),
        (TwoStage(candidates=1000, rerank="dense"), 10),
    ],
    ids=str,
)
def test_rankings_are_those_of_an_index_without_it(vectors, quantizer, search, k):
    x, queries, own = vectors
    codec = quantizer.fit(TrainingVectors(x), 0)
    index = search.build(Searchable(codec, codec.encode(x), vectors=x))
    asked = QueryVectors(queries, own=own)
    hits = index.search(asked, k)
    assert hits.ids.shape == (QUERIES, k)
    for row in range(QUERIES):
        ids, scores = without(search, codec, x, queries[row], own[row], k)
        assert hits.ids[row].tolist() == ids.tolist()
        np.testing.assert_allclose(hits.scores[row], scores, rtol=1e-6)
        alone = index.search(asked[row : row + 1], k)
        assert alone.ids[0].tolist() == ids.tolist()


def test_hash_tables_leave_it_out_of_the_candidates(vectors, tmp_path):
    x, queries, own = vectors
    codec = LSH(bits=16).fit(TrainingVectors(x), 0)
    search = HashLookup(candidates=6, rerank="dense", tables=1, key_bits=4)
    search.prepare(codec, codec.encode(x), tmp_path)
    index = search.build(Searchable(codec, codec.encode(x), vectors=x, prepared=tmp_path))
    asked = QueryVectors(queries, own=own)
    hits = index.search(asked, 6)
    assert not (hits.ids == own[:, None])[own >= 0].any()
    assert (hits.ids >= 0).all()


def test_the_whole_corpus_but_one_leaves_the_last_place_empty(vectors):
    x, queries, own = vectors
    codec = Flat().fit(TrainingVectors(x), 0)
    for search in (Scan(), TwoStage(rerank="dense")):
        index = search.build(Searchable(codec, codec.encode(x), vectors=x))
        hits = index.search(QueryVectors(queries, own=own), 1000)
        assert hits.ids.shape == (QUERIES, PASSAGES)
        assert (hits.ids[:, -1] == -1).tolist() == (own >= 0).tolist()
        assert np.isneginf(hits.scores[own >= 0, -1]).all()


def test_bm25(tmp_path):
    build_bm25([[("", "apple berry"), ("", "apple"), ("", "apple cherry damson")]], tmp_path)
    asked = QueryTexts(["apple berry", "apple", "damson"], np.array([0, -1, 2]))
    hits = BM25Index(tmp_path, 1).search(asked, 2)
    assert hits.ids.tolist() == [[1, 2], [1, 0], [-1, -1]]


def test_by_hand():
    ids = np.array([[4, 2, 7], [4, 2, 7], [4, -1, -1]])
    hits = Hits(ids, -np.arange(9, dtype=np.float32).reshape(3, 3), {"candidates": 1.0})
    found = hits.without(np.array([2, -1, 4]), 2)
    assert found.ids.tolist() == [[4, 7], [4, 2], [-1, -1]]
    assert found.scores.tolist() == [[0, -2], [-3, -4], [-7, -8]]
    assert found.stages == {"candidates": 1.0}
