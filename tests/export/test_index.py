"""Every kind of codes as a faiss index: it ranks as Labrador's own index does."""

import faiss
import numpy as np
import pytest

from labrador import indexes
from labrador.export.index import empty, write_faiss
from labrador.indexes.base import QueryVectors
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat, FlatCodec
from labrador.quantizers.hash import HashCodec
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D, N, Q = 32, 300, 9
generator = np.random.default_rng(0)
PASSAGES, QUERIES = (generator.standard_normal((n, D), dtype=np.float32) for n in (N, Q))
WEIGHT = generator.standard_normal((16, D), dtype=np.float32)

KINDS = {
    "flat": (Flat(), "IndexFlatIP"),
    "sq8": (SQ8(), "IndexScalarQuantizer"),
    "pq": (PQ(codebooks=4, centroids=16), "IndexPQ"),
    "opq": (OPQ(codebooks=4, centroids=16, iterations=2), "IndexPreTransform over IndexPQ"),
    "rabitq": (RaBitQ(), "IndexPreTransform over IndexRaBitQ"),
}
BINARY = {
    "lsh": (LSH().fit(TrainingVectors(PASSAGES), 0), "IndexLSH"),
    "hash": (HashCodec(WEIGHT, D), "IndexPreTransform over IndexLSH"),
    "signs": (HashCodec(None, D), "IndexLSH"),
}


@pytest.mark.parametrize("name", KINDS)
def test_scores_and_ranking_are_those_of_the_codes(tmp_path, name):
    quantizer, kind = KINDS[name]
    fitted = quantizer.fit(TrainingVectors(PASSAGES), 0)
    codes = fitted.encode(PASSAGES)
    assert write_faiss(fitted, codes, tmp_path / "index") == kind
    written = faiss.read_index(str(tmp_path / "index"))
    assert written.ntotal == N
    scores, rows = written.search(QUERIES, 10)
    index = indexes.of(fitted)
    index.add(codes)
    hits = index.search(QueryVectors(QUERIES), 10)
    assert scores == pytest.approx(hits.scores, abs=1e-4)
    assert np.array_equal(rows, hits.ids)


@pytest.mark.parametrize("name", BINARY)
def test_distances_are_those_of_the_codes(tmp_path, name):
    fitted, kind = BINARY[name]
    codes = fitted.encode(PASSAGES)
    assert write_faiss(fitted, codes, tmp_path / "index") == kind
    distances, rows = faiss.read_index(str(tmp_path / "index")).search(QUERIES, N)
    index = indexes.of(fitted)
    index.add(codes)
    hits = index.search(QueryVectors(QUERIES), N)
    assert np.array_equal(-distances, hits.scores)
    for found, expected, far in zip(rows, hits.ids, distances, strict=True):
        for distance in np.unique(far):  # equally distant passages are in any order
            assert set(found[far == distance]) == set(expected[far == distance])


def test_half_precision_stays_so(tmp_path):
    fitted = FlatCodec(D, "float16")
    assert write_faiss(fitted, fitted.encode(PASSAGES), tmp_path / "index") == "IndexScalarQuantizer"
    assert (tmp_path / "index").stat().st_size < N * D * 2 + 1000
    scores, _ = faiss.read_index(str(tmp_path / "index")).search(QUERIES, 1)
    exact = (QUERIES @ PASSAGES.astype(np.float16).astype(np.float32).T).max(axis=1)
    assert scores[:, 0] == pytest.approx(exact, rel=1e-4)


def test_codes_of_an_unknown_kind_are_no_index():
    with pytest.raises(TypeError, match="object: no faiss index takes its codes"):
        empty(object())
