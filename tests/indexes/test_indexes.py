"""Every index against brute force: the same passages in the same order."""

import logging
from pathlib import Path

import faiss
import numpy as np
import pytest

from labrador import indexes
from labrador.errors import LabradorError
from labrador.indexes import streamed
from labrador.indexes.base import QueryVectors
from labrador.indexes.flat import FlatIndex
from labrador.machine.threads import threads
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat, FlatCodec
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D = 24
QUANTIZERS = [Flat(), SQ8(), LSH(), PQ(codebooks=6), OPQ(codebooks=6, iterations=3), RaBitQ()]
every = pytest.mark.parametrize("quantizer", QUANTIZERS, ids=str)


def vectors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, D), dtype=np.float32)


def small_integers(seed: int, count: int) -> np.ndarray:
    """Vectors of few values, so that scores are exact in float32 and often equal."""
    x = np.random.default_rng(seed).integers(-1, 2, (count, D)).astype(np.float32)
    x[:, 0] = 1
    return x


def ranked(scores: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def built(quantizer, x, parts: int = 1):
    codec = quantizer.fit(TrainingVectors(x), 0)
    codes = codec.encode(x)
    index = indexes.of(codec)
    for part in np.array_split(codes, parts):
        index.add(part)
    return codec, codes, index


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(streamed, "BLOCK_BYTES", 4 * D * 50)  # fifty float32 vectors


@pytest.mark.parametrize("k", [1, 7, 120, 599, 600])
@pytest.mark.parametrize("queries", [1, 3, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_flat_is_brute_force_with_many_ties_over_many_blocks(small_blocks, dtype, queries, k):
    x, q = small_integers(0, 600), small_integers(1, queries)
    index = FlatIndex(FlatCodec(D, np.dtype(dtype).name))
    for part in np.array_split(x.astype(dtype), 4):
        index.add(part.view(np.uint8))
    for workers in (1, 3):
        with threads(workers):
            hits = index.search(QueryVectors(q), k)
        assert (hits.ids == ranked(q @ x.T, k)).all()
        assert (hits.scores == np.take_along_axis(q @ x.T, hits.ids, axis=1)).all()


@pytest.mark.parametrize("queries", [1, 40])
def test_streamed_flat_equals_faiss_flat_in_memory(small_blocks, tmp_path: Path, queries):
    x, q = vectors(0, 1000), vectors(1, queries)
    np.save(tmp_path / "x.npy", x)
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    codes = Flat().fit(TrainingVectors(stored), 0).codes_in_place(stored)
    index = FlatIndex(FlatCodec(D, "float32"))
    index.add(codes)
    peer = faiss.IndexFlatIP(D)
    peer.add(x)
    scores, ids = peer.search(q, 100)
    hits = index.search(QueryVectors(q), 100)
    assert np.allclose(hits.scores, scores, atol=1e-5)
    assert np.allclose(np.take_along_axis(q @ x.T, hits.ids, axis=1), scores, atol=1e-5)
    assert (hits.ids == ids).mean() > 0.99  # the rest: scores that differ in the last bit, as they were summed


@pytest.mark.parametrize("bits", [8, 24, 64, 80])
@pytest.mark.parametrize("k", [1, 10, 200, 600])
def test_lsh_is_brute_force_over_hamming_distances(monkeypatch, bits, k):
    monkeypatch.setattr(streamed, "BLOCK_BYTES", 70 * bits // 8)
    x, q = vectors(0, 600), vectors(1, 9)
    codec, codes, index = built(LSH(bits=bits), x, parts=2)
    distances = np.unpackbits(codec.encode(q)[:, None] ^ codes[None], axis=2).sum(axis=2, dtype=np.int64)
    for queries in (q, q[:1]):
        hits = index.search(QueryVectors(queries), k)
        assert (hits.ids == ranked(-distances[: len(queries)], k)).all()
        assert (hits.scores == -np.take_along_axis(distances[: len(queries)], hits.ids, axis=1)).all()


@pytest.mark.parametrize("quantizer", [SQ8(), PQ(codebooks=6), OPQ(codebooks=6, iterations=3)], ids=str)
def test_codes_are_scored_by_the_inner_product_with_what_they_decode_to(quantizer):
    x, q = vectors(0, 600), vectors(1, 9)
    codec, codes, index = built(quantizer, x, parts=2)
    scores = q @ codec.decode(codes).T
    hits = index.search(QueryVectors(q), 600)
    assert (np.sort(hits.ids, axis=1) == np.arange(600)).all()
    assert np.allclose(hits.scores, np.take_along_axis(scores, hits.ids, axis=1), atol=1e-4)
    assert (np.diff(hits.scores, axis=1) <= 0).all()


@every
@pytest.mark.parametrize("k", [1, 10, 150])
def test_copies_of_a_passage_rank_by_row_also_at_the_cut(quantizer, k):
    x = np.tile(vectors(0, 300), (4, 1))  # every vector four times
    _, _, index = built(quantizer, x, parts=1)
    q = vectors(1, 5)
    whole = index.search(QueryVectors(q), len(x))
    order = np.lexsort((whole.ids, -whole.scores), axis=-1)
    assert (order == np.arange(len(x))).all()
    cut = index.search(QueryVectors(q), k)
    assert (cut.ids == whole.ids[:, :k]).all()
    assert (cut.scores == whole.scores[:, :k]).all()


@every
def test_neighbours_are_found_among_clusters(quantizer):
    centres = vectors(0, 30)
    x = np.repeat(centres, 20, axis=0) + 0.1 * vectors(1, 600)
    q = centres + 0.1 * vectors(2, 30)
    _, _, index = built(quantizer, x)
    inside = index.search(QueryVectors(q), 20).ids // 20 == np.arange(30)[:, None]
    assert inside.mean() > 0.8


@every
def test_a_saved_codec_with_the_same_codes_gives_the_same_answers(quantizer, tmp_path: Path):
    x, q = vectors(0, 400), vectors(1, 20)
    codec, codes, index = built(quantizer, x)
    np.save(tmp_path / "codes.npy", codes)
    codec.save(tmp_path)
    again = indexes.of(quantizer.load(tmp_path))
    again.add(np.load(tmp_path / "codes.npy", mmap_mode="r"))
    first, second = index.search(QueryVectors(q), 50), again.search(QueryVectors(q), 50)
    assert (first.ids == second.ids).all()
    assert (first.scores == second.scores).all()


@every
def test_k_beyond_the_passages_is_cut_and_said_once(quantizer, caplog):
    x = vectors(0, 300)
    _, _, index = built(quantizer, x)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert index.search(QueryVectors(vectors(1, 2)), 1000).ids.shape == (2, 300)
        index.search(QueryVectors(vectors(1, 2)), 10)
    assert [record.message for record in caplog.records] == [
        "k=1000 is beyond the 300 passages of the index: every ranking has 300"
    ]


@every
@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (-np.inf, "NaN, infinite"), (0, "all zeros")])
def test_unusable_queries_are_named(quantizer, bad, says):
    _, _, index = built(quantizer, vectors(0, 300))
    q = vectors(1, 4)
    q[2] = bad
    with pytest.raises(LabradorError, match=f"vector of query 2: {says}"):
        index.search(QueryVectors(q), 5)


@every
def test_queries_and_codes_of_another_width_are_refused(quantizer):
    codec, codes, index = built(quantizer, vectors(0, 300))
    with pytest.raises(LabradorError, match=r"queries of shape \[4, 23\]: expected \[N, 24\]"):
        index.search(QueryVectors(vectors(1, 4)[:, :23]), 5)
    with pytest.raises(LabradorError, match="codes to add of shape"):
        indexes.of(codec).add(codes[:, 1:])
