"""Two-stage search over binary codes against numpy, and the tables that rerank."""

from pathlib import Path

import numpy as np
import pytest

from labrador.errors import LabradorError
from labrador.indexes.base import QueryVectors
from labrador.indexes.search import Searchable
from labrador.indexes.signs import SignProduct, byte_table
from labrador.indexes.two_stage import TwoStage
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.hash import Hash, HashCodec
from labrador.quantizers.lsh import LSH


def test_a_table_holds_what_each_byte_adds():
    query = np.arange(1.0, 17.0)
    table = byte_table(query)
    assert table.shape == (2, 256)
    assert table[0, 0] == -sum(range(1, 9))
    assert table[0, 255] == sum(range(1, 9))
    assert table[0, 0b00000101] == 1 - 2 + 3 - 4 - 5 - 6 - 7 - 8
    assert table[1, 0b10000000] == -(9 + 10 + 11 + 12 + 13 + 14 + 15) + 16


def vectors(kind: str, seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Continuous numbers, or small whole ones: zeros to take the sign of, and many equal scores."""
    generator = np.random.default_rng(seed)
    if kind == "continuous":
        return generator.standard_normal(shape, dtype=np.float32)
    x = generator.integers(-1, 2, shape).astype(np.float32)
    x[:, 0] = 1
    return x


def numpy_search(weight, x, queries, candidates, k):
    """Everything by brute force: signs, distances, candidates, scores; each order by value, then by row."""
    ids, scores = [], []
    weight = np.eye(x.shape[1]) if weight is None else weight.astype(np.float64)
    signs = np.where(x.astype(np.float64) @ weight.T >= 0, 1.0, -1.0)
    for query in queries.astype(np.float64) @ weight.T:
        distances = (np.where(query >= 0, 1.0, -1.0) != signs).sum(axis=1)
        found = sorted(range(len(x)), key=lambda row, distances=distances: (distances[row], row))[:candidates]
        own = {row: np.float32(signs[row] @ query) for row in found}
        best = sorted(found, key=lambda row, own=own: (-own[row], row))[:k]
        ids.append(best)
        scores.append([own[row] for row in best])
    return np.array(ids), np.array(scores)


@pytest.mark.parametrize("kind", ["continuous", "whole"])
@pytest.mark.parametrize(
    ("passages", "dimension", "bits", "candidates", "k"),
    [
        (5, 8, None, 1000, 10),  # fewer passages than candidates, fewer than k
        (100, 24, None, 30, 30),
        (900, 64, None, 1000, 100),
        (3000, 384, None, 1000, 50),
        (500, 12, 16, 100, 20),  # a dimension that is not a multiple of 8
        (500, 30, 8, 200, 200),  # most distances equal
    ],
)
def test_two_stage_search_is_brute_force(kind, passages, dimension, bits, candidates, k):
    x, queries = vectors(kind, 0, (passages, dimension)), vectors(kind, 1, (70, dimension))
    weight = None if bits is None else vectors(kind, 2, (bits, dimension))
    codec = HashCodec(weight, dimension)
    hits = TwoStage(candidates=candidates).build(Searchable(codec, codec.encode(x))).search(QueryVectors(queries), k)
    ids, scores = numpy_search(weight, x, queries, candidates, k)
    np.testing.assert_array_equal(hits.ids, ids)
    np.testing.assert_allclose(hits.scores, scores, rtol=1e-5, atol=1e-4)


def test_codes_on_disk_give_the_same_answers_after_loading(tmp_path: Path):
    x, queries = vectors("continuous", 0, (400, 32)), vectors("continuous", 1, (9, 32))
    codec = HashCodec(vectors("continuous", 2, (64, 32)), 32)
    codec.save(tmp_path)
    np.save(tmp_path / "codes.npy", codec.encode(x))
    before = TwoStage(candidates=50).build(Searchable(codec, codec.encode(x))).search(QueryVectors(queries), 20)
    codes = np.load(tmp_path / "codes.npy", mmap_mode="r")
    after = TwoStage(candidates=50).build(Searchable(Hash().load(tmp_path), codes)).search(QueryVectors(queries), 20)
    np.testing.assert_array_equal(after.ids, before.ids)
    np.testing.assert_array_equal(after.scores, before.scores)


@pytest.mark.parametrize("codec", [LSH().fit(TrainingVectors(np.ones((3, 16), np.float32)), 0), HashCodec(None, 16)])
def test_a_looked_up_score_is_that_of_the_decoded_code(codec):
    x, queries = vectors("continuous", 0, (50, 16)), vectors("continuous", 1, (3, 16))
    codes, ids = codec.encode(x), np.tile(np.arange(50), (3, 1))
    scores = SignProduct(codec, codes)(queries, ids)
    np.testing.assert_allclose(scores, queries @ codec.decode(codes).T, rtol=1e-4, atol=1e-4)


def test_dimensions_that_do_not_fill_bytes_are_refused():
    for quantizer in (Hash(), LSH()):
        with pytest.raises(LabradorError, match="a bit for each of 30 dimensions does not fill bytes"):
            quantizer.check(30)
