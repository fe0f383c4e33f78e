"""Scan and two-stage search as components."""

import logging
from pathlib import Path

import faiss
import numpy as np
import pytest

from labrador.errors import LabradorError
from labrador.indexes.base import QueryVectors
from labrador.indexes.scan import Scan
from labrador.indexes.search import Search, Searchable
from labrador.indexes.two_stage import QUERIES, TwoStage
from labrador.machine import gpus
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.lsh import LSH
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D = 16
QUANTIZERS = [Flat(), SQ8(), LSH(bits=24), PQ(codebooks=2), RaBitQ()]
every = pytest.mark.parametrize("quantizer", QUANTIZERS, ids=str)


def integers(seed: int, count: int) -> np.ndarray:
    """Vectors whose inner products are exact in float32 and often equal."""
    x = np.random.default_rng(seed).integers(-2, 3, (count, D)).astype(np.float32)
    x[:, 0] = 1
    return x


def brute_force(scores: np.ndarray, candidates: np.ndarray, k: int) -> np.ndarray:
    """For each query its candidates, by score and then by row."""
    return np.array(
        [
            sorted(row.tolist(), key=lambda p, own=own: (-own[p], p))[:k]
            for row, own in zip(candidates, scores, strict=True)
        ]
    )


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("candidates", [1, 30, 400])
def test_dense_rerank_is_brute_force_over_the_candidates(quantizer, dtype, candidates, tmp_path: Path):
    np.save(tmp_path / "x.npy", integers(0, 400).astype(dtype))
    x, q = np.load(tmp_path / "x.npy", mmap_mode="r"), integers(1, QUERIES + 9)
    codec = quantizer.fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    found = Scan().build(Searchable(codec, codes)).search(QueryVectors(q), candidates).ids
    hits = (
        TwoStage(candidates=candidates, rerank="dense")
        .build(Searchable(codec, codes, vectors=x))
        .search(QueryVectors(q), 20)
    )
    scores = q @ x.astype(np.float32).T
    assert (hits.ids == brute_force(scores, found, 20)).all()
    assert (hits.scores == np.take_along_axis(scores, hits.ids, axis=1)).all()


@every
def test_code_rerank_is_brute_force_over_the_decoded_candidates(quantizer):
    x, q = integers(0, 300), integers(1, 11)
    codec = quantizer.fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    found = Scan().build(Searchable(codec, codes)).search(QueryVectors(q), 50).ids
    hits = TwoStage(candidates=50).build(Searchable(codec, codes)).search(QueryVectors(q), 50)
    scores = q @ codec.decode(codes).T
    assert (np.sort(hits.ids, axis=1) == np.sort(found, axis=1)).all()
    assert np.allclose(hits.scores, np.take_along_axis(scores, hits.ids, axis=1), rtol=1e-4, atol=1e-4)
    same = hits.scores[:, 1:] == hits.scores[:, :-1]
    assert ((np.diff(hits.scores, axis=1) < 0) | (same & (np.diff(hits.ids, axis=1) > 0))).all()


def test_one_query_gives_what_it_gives_in_a_batch():
    x, q = integers(0, 300), integers(1, 80)
    codec = LSH().fit(TrainingVectors(x), 0)
    index = TwoStage(candidates=40).build(Searchable(codec, codec.encode(x)))
    batch = index.search(QueryVectors(q), 40)
    for row in (0, 70):
        alone = index.search(QueryVectors(q[row : row + 1]), 40)
        assert (alone.ids[0] == batch.ids[row]).all()
        assert np.allclose(alone.scores[0], batch.scores[row], atol=1e-4)


def test_copies_of_a_passage_score_the_same_and_rank_by_row():
    x = np.tile(np.random.default_rng(0).standard_normal((37, D), dtype=np.float32), (7, 1))
    q = np.random.default_rng(1).standard_normal((5, D), dtype=np.float32)
    codec = LSH().fit(TrainingVectors(x), 0)
    hits = (
        TwoStage(candidates=7 * 37, rerank="dense")
        .build(Searchable(codec, codec.encode(x), vectors=x))
        .search(QueryVectors(q), 7 * 37)
    )
    groups = hits.ids.reshape(5, 37, 7)
    assert (groups % 37 == groups[:, :, :1] % 37).all()
    assert (np.diff(groups, axis=2) == 37).all()


@every
def test_equal_codes_rank_by_row_when_reranked_by_codes(quantizer):
    x = np.tile(np.random.default_rng(0).standard_normal((300, D), dtype=np.float32), (3, 1))
    q = np.random.default_rng(1).standard_normal((5, D), dtype=np.float32)
    codec = quantizer.fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    hits = TwoStage(candidates=900).build(Searchable(codec, codes)).search(QueryVectors(q), 900)
    same = (codes[hits.ids[:, 1:]] == codes[hits.ids[:, :-1]]).all(axis=2)
    assert same.sum() >= 5 * 600
    assert (np.diff(hits.ids, axis=1)[same] > 0).all()
    assert (np.diff(hits.scores, axis=1)[same] == 0).all()


def test_lsh_reranked_is_better_than_lsh():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((2000, 64), dtype=np.float32)
    q = x[:100] + 0.5 * generator.standard_normal((100, 64), dtype=np.float32)
    truth = np.argsort(-(q @ x.T), axis=1)[:, :10]
    codec = LSH().fit(TrainingVectors(x), 0)
    codes = codec.encode(x)

    def recall(search: Search) -> float:
        ids = search.build(Searchable(codec, codes, vectors=x)).search(QueryVectors(q), 10).ids
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, truth, strict=True)]))

    by_rerank = [recall(Scan()), recall(TwoStage(candidates=200)), recall(TwoStage(candidates=200, rerank="dense"))]
    assert by_rerank == sorted(by_rerank)
    assert by_rerank[0] < by_rerank[1] - 0.03
    assert by_rerank[2] > 0.7


def test_fewer_passages_than_candidates_or_k(caplog):
    x, q = integers(0, 100), integers(1, 3)
    codec = LSH().fit(TrainingVectors(x), 0)
    index = TwoStage(candidates=1000).build(Searchable(codec, codec.encode(x)))
    with caplog.at_level(logging.INFO):
        assert index.search(QueryVectors(q), 20).ids.shape == (3, 20)
    assert not caplog.records
    with caplog.at_level(logging.INFO):
        index.search(QueryVectors(q), 500)
        assert index.search(QueryVectors(q), 500).ids.shape == (3, 100)
    assert len(caplog.records) == 1
    assert TwoStage(candidates=30).build(Searchable(codec, codec.encode(x))).search(QueryVectors(q), 500).ids.shape == (
        3,
        30,
    )


def test_only_the_dense_rerank_needs_vectors():
    x = integers(0, 100)
    codec = LSH().fit(TrainingVectors(x), 0)
    needs = [s.needs_vectors for s in (Scan(), TwoStage(), TwoStage(rerank="dense"))]
    assert needs == [False, False, True]
    for vectors in (None, x[:99]):
        with pytest.raises(ValueError, match="the 100 passages' full vectors"):
            TwoStage(rerank="dense").build(Searchable(codec, codec.encode(x), vectors=vectors))


@pytest.mark.parametrize("search", [Scan(), TwoStage()], ids=str)
def test_unusable_queries_are_refused(search):
    x = integers(0, 100)
    codec = LSH().fit(TrainingVectors(x), 0)
    index = search.build(Searchable(codec, codec.encode(x)))
    with pytest.raises(LabradorError, match="vector of query 1: all zeros"):
        index.search(QueryVectors(np.stack([x[0], 0 * x[0]])), 5)
    with pytest.raises(LabradorError, match=r"queries of shape \[2, 15\]"):
        index.search(QueryVectors(x[:2, 1:]), 5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scan(k=0), "k=0: expected a whole number >= 1"),
        (lambda: Scan(device="tpu"), "device=tpu: expected one of cpu, cuda"),
        (lambda: TwoStage(candidates=0), "candidates=0: expected a whole number >= 1"),
        (lambda: TwoStage(rerank="both"), "rerank=both: expected one of auto, codes, dense"),
    ],
)
def test_settings_without_meaning_are_refused(make, says):
    with pytest.raises(LabradorError, match=says):
        make()


def test_the_device_is_no_part_of_an_artifacts_name():
    fields = {f.name: f.metadata.get("key", True) for f in Scan.__dataclass_fields__.values()}
    assert fields == {"k": True, "device": False}


def test_a_faiss_without_gpus_says_how_to_get_one(monkeypatch):
    monkeypatch.delattr(faiss, "StandardGpuResources", raising=False)
    with pytest.raises(
        LabradorError, match=r"device=cuda: expected cpu, since faiss-cpu is installed; .*labrador\[gpu\]"
    ):
        Scan(device="cuda").check(Flat(), 64)
    Scan().check(Flat(), 64)


def test_a_machine_without_gpus_says_so(monkeypatch):
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0, raising=False)
    with pytest.raises(LabradorError, match="expected cpu, since no GPU is visible"):
        TwoStage(device="cuda").check(LSH(), 64)


def test_a_gpu_is_looked_for_without_cuda(monkeypatch):
    """A cell has no GPU of its own yet when its settings are checked: whoever calls CUDA first stays on GPU 0."""

    def touched() -> int:
        raise AssertionError("faiss was asked, which uses CUDA")

    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", touched, raising=False)
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    monkeypatch.setattr(gpus, "listing", lambda: gpus.Listing([gpus.Gpu("GPU-a", 8.0, "H100")]))
    Scan(device="cuda").check(Flat(), 64)
    monkeypatch.setattr(gpus, "listing", gpus.Listing)
    with pytest.raises(LabradorError, match="since no GPU is visible"):
        Scan(device="cuda").check(Flat(), 64)


def test_codes_that_no_gpu_index_scans_and_depths_beyond_it_are_refused(monkeypatch):
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    Scan(device="cuda").check(Flat(), 64)
    with pytest.raises(LabradorError, match="no codes of quantizer=pq on a GPU; there use flat, lsh or hash"):
        Scan(device="cuda").check(PQ(), 64)
    with pytest.raises(LabradorError, match="at most 2046 of the 3000 passages per query"):
        TwoStage(device="cuda", candidates=3000).check(LSH(), 64)


def test_what_gpu_indexes_hand_to_faiss_and_make_of_its_hits(monkeypatch):
    """Our side alone, without a GPU: faiss's CPU indexes stand in for its GPU ones, which take resources first."""

    class Config:
        useFloat16 = False

    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", Config, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatIP", lambda _, d, config: faiss.IndexFlatIP(d), raising=False)
    monkeypatch.setattr(faiss, "GpuIndexBinaryFlat", lambda _, d: faiss.IndexBinaryFlat(d), raising=False)
    x, q = integers(0, 300), integers(1, 5)
    for quantizer in (Flat(), LSH()):
        codec = quantizer.fit(TrainingVectors(x), 0)
        codes = codec.encode(x)
        there, here = (
            Scan(device=device).build(Searchable(codec, codes)).search(QueryVectors(q), 300)
            for device in ("cuda", "cpu")
        )
        assert (there.ids == here.ids).all()
        assert (there.scores == here.scores).all()


@pytest.mark.skipif(
    not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() < 1, reason="needs a GPU and faiss-gpu"
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_gpu_ranks_as_the_cpu_does(dtype):
    x, q = integers(0, 3000).astype(dtype), integers(1, 70)
    for quantizer in (Flat(), LSH(bits=64)):
        codec = quantizer.fit(TrainingVectors(x), 0)
        codes = codec.encode(x)
        there, here = (
            Scan(device=device).build(Searchable(codec, codes)).search(QueryVectors(q), 1000)
            for device in ("cuda", "cpu")
        )
        assert (there.scores == here.scores).all()
        sure = here.scores > here.scores[:, -1:]  # at the last score faiss chooses among equals as it likes
        assert (there.ids[sure] == here.ids[sure]).all()
