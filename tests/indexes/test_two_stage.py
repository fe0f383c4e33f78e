"""Two stages against brute force, also with a verifier; what rerank=auto means; how long the stages take."""

import re
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from labrador.errors import LabradorError
from labrador.indexes.base import QueryVectors
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.search import Search, Searchable
from labrador.indexes.two_stage import QUERIES, TwoStage
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.lsh import LSH
from labrador.quantizers.pq import PQ
from labrador.store import describe

STAGES = ["candidates", "rerank"]


def whole(seed: int, count: int, dimension: int) -> np.ndarray:
    """Vectors whose inner products are exact in float32 and often equal."""
    x = np.random.default_rng(seed).integers(-2, 3, (count, dimension)).astype(np.float32)
    x[:, 0] = 1
    return x


def brute_force(scores: np.ndarray, candidates: np.ndarray, k: int) -> np.ndarray:
    """For each query its candidates, by score and then by row."""
    return np.stack([ids[np.lexsort((ids, -own[ids]))][:k] for ids, own in zip(candidates, scores, strict=True)])


@pytest.mark.parametrize("quantizer", [Flat(), LSH(bits=24), PQ(codebooks=2)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    ("passages", "sparse", "dense", "candidates", "k"),
    [
        (300, 16, 16, 30, 20),  # both encoders of one dimension
        (300, 16, 5, 300, 300),  # every passage reranked
        (700, 8, 40, 100, 100),
        (300, 16, 40, 1000, 7),  # fewer passages than candidates
        (2000, 24, 1, 1000, 1000),  # one dimension: most scores equal
    ],
)
def test_candidates_by_one_encoder_are_ranked_by_another(
    tmp_path: Path, quantizer, dtype, passages, sparse, dense, candidates, k
):
    x, q = whole(0, passages, sparse), whole(1, QUERIES + 9, sparse)
    np.save(tmp_path / "verifier.npy", whole(2, passages, dense).astype(dtype))
    y, r = np.load(tmp_path / "verifier.npy", mmap_mode="r"), whole(3, QUERIES + 9, dense)
    codec = quantizer.fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    found = Scan().build(Searchable(codec, codes)).search(QueryVectors(q), candidates).ids
    scores = r @ y.astype(np.float32).T
    index = TwoStage(candidates=candidates).build(Searchable(codec, codes, vectors=y, verified=True))
    hits = index.search(QueryVectors(q, r), k)
    assert (hits.ids == brute_force(scores, found, k)).all()
    assert (hits.scores == np.take_along_axis(scores, hits.ids, axis=1)).all()
    alone = index.search(QueryVectors(q, r)[5:6], k)
    assert (alone.ids == hits.ids[5:6]).all()


def test_candidates_from_hash_tables_are_ranked_by_another_encoder(tmp_path: Path):
    x, q = np.random.default_rng(0).standard_normal((2, 400, 32), dtype=np.float32)
    y, r = whole(2, 400, 7), whole(3, 20, 7)
    codec = LSH().fit(TrainingVectors(x), 0)
    codes, search = codec.encode(x), HashLookup(candidates=50, tables=2, key_bits=4)
    search.prepare(codec, codes, tmp_path)
    index = search.build(Searchable(codec, codes, vectors=y, prepared=tmp_path, verified=True))
    hits = index.search(QueryVectors(q[:20], r), 50)
    assert (hits.ids == brute_force(r @ y.T, index.first.search(QueryVectors(q[:20]), 50).ids, 50)).all()


@pytest.mark.parametrize("verified", [False, True])
def test_auto_is_dense_where_there_is_a_verifier(verified):
    search = TwoStage(candidates=70, k=9)
    assert search.rerank == "auto"
    assert not search.needs_vectors
    resolved = search.resolved(verified)
    assert resolved == TwoStage(candidates=70, k=9, rerank="dense" if verified else "codes")
    assert resolved.needs_vectors == verified
    tables = HashLookup(tables=2, flips=1).resolved(verified)
    assert tables == HashLookup(tables=2, flips=1, rerank="dense" if verified else "codes")


@pytest.mark.parametrize("search", [Scan(), TwoStage(rerank="codes"), HashLookup(rerank="dense")], ids=str)
def test_what_is_said_stays(search: Search):
    assert search.resolved(True) is search
    assert search.resolved(False) is search


def test_auto_goes_by_the_name_of_what_it_means():
    assert describe(TwoStage().resolved(verified=False)) == {
        "class": "TwoStage", "k": 1000, "candidates": 1000, "rerank": "codes"}  # fmt: skip
    assert describe(TwoStage().resolved(verified=True)) == describe(TwoStage(rerank="dense"))


def test_auto_builds_what_it_is_resolved_to():
    x, y, q = whole(0, 100, 16), whole(2, 100, 16), whole(1, 5, 16)
    codec = LSH().fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    auto = TwoStage().build(Searchable(codec, codes, vectors=y)).search(QueryVectors(q), 100)
    by_codes = TwoStage(rerank="codes").build(Searchable(codec, codes)).search(QueryVectors(q), 100)
    assert (auto.ids == by_codes.ids).all()
    assert (auto.scores == by_codes.scores).all()
    with pytest.raises(ValueError, match="the 100 passages' full vectors"):
        TwoStage().build(Searchable(codec, codes, verified=True))


def test_vectors_of_another_dimension_need_a_verifier():
    x = whole(0, 100, 16)
    codec = LSH().fit(TrainingVectors(x), 0)
    with pytest.raises(ValueError, match="vectors of 5 dimensions for queries of 16"):
        TwoStage(rerank="dense").build(Searchable(codec, codec.encode(x), vectors=whole(2, 100, 5)))


def test_unusable_queries_of_either_encoder_are_refused():
    x, y, q = whole(0, 100, 16), whole(2, 100, 5), (whole(1, 3, 16), whole(3, 3, 5))
    codec = LSH().fit(TrainingVectors(x), 0)
    index = TwoStage().build(Searchable(codec, codec.encode(x), vectors=y, verified=True))
    for queries, expected in (((whole(1, 3, 15), q[1]), "3, 15]: expected [N, 16]"), ((q[0], q[0]), "[N, 5]")):
        with pytest.raises(LabradorError, match=re.escape(expected)):
            index.search(QueryVectors(*queries), 5)
    for which, columns, value in ((0, slice(16), 0), (1, slice(5), 0), (0, 3, np.nan), (1, 2, np.inf)):
        bad = [vectors.copy() for vectors in q]
        bad[which][2, columns] = value
        with pytest.raises(LabradorError, match="vector of query 2"):
            index.search(QueryVectors(*bad), 5)
    with pytest.raises(ValueError, match="query vectors of the verifier"):
        index.search(QueryVectors(q[0]), 5)


@pytest.mark.parametrize("count", [1, 70])
def test_the_stages_of_a_search_are_timed(count):
    x, q = whole(0, 3000, 64), whole(1, count, 64)
    codec = LSH().fit(TrainingVectors(x), 0)
    index = TwoStage(candidates=500).build(Searchable(codec, codec.encode(x)))
    start = perf_counter()
    stages = index.search(QueryVectors(q), 100).stages
    whole_search = 1000 * (perf_counter() - start)
    assert list(stages) == STAGES
    assert min(stages.values()) > 0
    assert sum(stages.values()) <= whole_search
    assert Scan().build(Searchable(codec, codec.encode(x))).search(QueryVectors(q), 100).stages == {}


def test_each_stage_has_the_time_that_it_took(monkeypatch):
    """On a clock that only the candidates (3 s) and their scores (0.5 s) move."""
    x, now = whole(0, 100, 16), [0.0]
    codec = LSH().fit(TrainingVectors(x), 0)
    index = TwoStage().build(Searchable(codec, codec.encode(x)))
    search, score = index.first.search, index.reranker.score

    def later(seconds, call):
        def run(*arguments):
            now[0] += seconds
            return call(*arguments)

        return run

    monkeypatch.setattr("labrador.indexes.two_stage.perf_counter", lambda: now[0])
    monkeypatch.setattr(index.first, "search", later(3, search))
    monkeypatch.setattr(index, "reranker", replace(index.reranker, score=later(0.5, score)))
    assert index.search(QueryVectors(x[:2]), 10).stages == {"candidates": 3000, "rerank": 500}


def test_both_stages_can_be_seen():
    x, q = whole(0, 300, 16), whole(1, 3, 16)
    fitted = LSH(bits=24).fit(TrainingVectors(x), 0)
    index = TwoStage(candidates=40, rerank="dense").build(Searchable(fitted, fitted.encode(x), vectors=x))
    candidates, hits = index.search_both(QueryVectors(q), 10)
    expected = index.first.search(QueryVectors(q), 40)
    assert np.array_equal(candidates.ids, expected.ids)
    assert np.array_equal(candidates.scores, expected.scores)
    assert np.array_equal(hits.ids, index.search(QueryVectors(q), 10).ids)
    assert list(hits.stages) == STAGES
