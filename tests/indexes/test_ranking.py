"""Ties: equal scores by lower row, also where the k-th place is shared."""

import numpy as np
import pytest

from labrador.indexes.base import Hits
from labrador.indexes.ranking import exact_top, merged, ordered


def test_equal_scores_are_put_in_order_of_rows():
    hits = ordered(np.array([[4, 9, 2, 1], [3, 2, 1, 0]]), np.array([[7, 5, 5, 5], [4, 3, 2, 1]], np.float32))
    assert hits.ids.tolist() == [[4, 1, 2, 9], [3, 2, 1, 0]]
    assert hits.scores.tolist() == [[7, 5, 5, 5], [4, 3, 2, 1]]


def test_merging_keeps_lower_rows_of_equal_scores():
    first = Hits(np.array([[1, 3]]), np.array([[5, 2]], np.float32))
    second = Hits(np.array([[10, 11]]), np.array([[5, 2]], np.float32))
    assert merged(first, second, 3).ids.tolist() == [[1, 10, 3]]


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 39, 40])
def test_a_scan_that_keeps_the_wrong_ones_of_equals_is_scanned_deeper(k):
    scores = np.random.default_rng(0).integers(0, 4, (6, 40)).astype(np.float32)
    depths = []

    def scan(queries, n):
        depths.append(n)
        own = scores[queries[:, 0].astype(int)]
        rows = np.lexsort((-np.arange(40)[None].repeat(len(own), 0), -own), axis=-1)[:, :n]  # highest rows first
        return np.take_along_axis(own, rows, axis=1), rows

    hits = exact_top(scan, np.arange(6, dtype=np.float32)[:, None], k, 40)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert (hits.ids == expected).all()
    assert (hits.scores == np.take_along_axis(scores, expected, axis=1)).all()
    assert depths[0] == min(k + 1, 40)
    assert max(depths) > k + 1 or k > 38
