"""The scan of binary codes by numba against numpy."""

import numpy as np
import pytest

from labrador.indexes.base import QueryVectors
from labrador.indexes.hamming import FEW, HammingIndex, as_uint64
from labrador.indexes.popcount import TILE, nearest
from labrador.quantizers.hash import HashCodec


def by_numpy(codes, queries, k):
    """Rows and distances of the k nearest, equally distant codes by row."""
    bits = np.unpackbits(codes, axis=1)
    distances = np.array([(bits != query).sum(axis=1) for query in np.unpackbits(queries, axis=1)])
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(distances, rows, axis=1)


def drawn(seed, count, code_bytes, values):
    """Codes of few different bytes are often equally distant."""
    return np.random.default_rng(seed).integers(0, values, (count, code_bytes), dtype=np.uint8)


@pytest.mark.parametrize("values", [2, 256])
@pytest.mark.parametrize(
    ("passages", "code_bytes", "k"),
    [(1, 8, 1), (5, 16, 5), (TILE, 48, 10), (3 * TILE + 7, 96, 100), (2000, 3, 50), (900, 44, 900), (4000, 8, 1)],
)
def test_the_nearest_codes_are_those_of_brute_force(passages, code_bytes, k, values):
    codes, queries = drawn(0, passages, code_bytes, values), drawn(1, 11, code_bytes, values)
    rows, distances = np.empty((11, k), np.int64), np.empty((11, k), np.int64)
    nearest(as_uint64(codes), as_uint64(queries), k, rows, distances)
    expected = by_numpy(codes, queries, k)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(distances, expected[1])


def test_codes_far_from_every_query_and_far_behind_are_not_lost():
    """The nearest come last, so that what was kept before them must make way."""
    codes = np.sort(drawn(0, 5 * TILE, 8, 256), axis=0)[::-1].copy()
    queries = np.zeros((FEW, 8), np.uint8)
    rows, distances = np.empty((FEW, 20), np.int64), np.empty((FEW, 20), np.int64)
    nearest(as_uint64(codes), as_uint64(queries), 20, rows, distances)
    np.testing.assert_array_equal(rows, by_numpy(codes, queries, 20)[0])


def test_a_batch_and_a_few_queries_find_the_same():
    codec = HashCodec(None, 24)
    x = np.random.default_rng(0).standard_normal((700, 24), dtype=np.float32)
    queries = np.random.default_rng(1).standard_normal((3 * FEW, 24), dtype=np.float32)
    index = HammingIndex(codec)
    index.add(codec.encode(x[:300]))
    index.add(codec.encode(x[300:]))
    together = index.search(QueryVectors(queries), 40)
    for row in (0, 3 * FEW - 1):
        alone = index.search(QueryVectors(queries[row : row + 1]), 40)
        np.testing.assert_array_equal(alone.ids[0], together.ids[row])
        np.testing.assert_array_equal(alone.scores[0], together.scores[row])


def test_bytes_that_fill_no_word_are_followed_by_zeros():
    codes = drawn(0, 4, 11, 256)
    padded = as_uint64(codes).view(np.uint8)
    assert padded.shape == (4, 16)
    np.testing.assert_array_equal(padded[:, :11], codes)
    assert not padded[:, 11:].any()
