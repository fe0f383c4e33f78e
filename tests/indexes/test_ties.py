"""Equal scores: by the order of ties, also where many share the k-th score."""

import numpy as np
import pytest

from labrador.indexes import ties
from labrador.indexes.base import Hits
from labrador.indexes.ties import Scanned, exact_top, merged, ordered, tie_start


def test_equal_scores_are_put_in_order_of_rows():
    hits = ordered(np.array([[4, 9, 2, 1], [3, 2, 1, 0]]), np.array([[7, 5, 5, 5], [4, 3, 2, 1]], np.float32), 10)
    assert hits.ids.tolist() == [[4, 1, 2, 9], [3, 2, 1, 0]]
    assert hits.scores.tolist() == [[7, 5, 5, 5], [4, 3, 2, 1]]
    assert ordered(hits.ids, hits.scores, 10, ties_from=2).ids.tolist() == [[4, 2, 9, 1], [3, 2, 1, 0]]


def test_merging_keeps_the_order_of_ties():
    first = Hits(np.array([[1, 3]]), np.array([[5, 2]], np.float32))
    second = Hits(np.array([[10, 11]]), np.array([[5, 2]], np.float32))
    assert merged(first, second, 3).ids.tolist() == [[1, 10, 3]]


SIZE = 400


class Scanner:
    """Finds the last of equal scores in the order of ties, and records how much it was asked for."""

    def __init__(self, scores, ties_from):
        self.scores, self.last = scores, (np.arange(scores.shape[1]) - ties_from) % scores.shape[1]
        self.depths, self.parts = [], []

    def scan(self, queries, n):
        self.depths.append(n)
        own = self.scores[queries[:, 0].astype(int)]
        rows = np.lexsort((-self.last[None].repeat(len(own), 0), -own), axis=-1)[:, :n]
        return np.take_along_axis(own, rows, axis=1), rows

    def part(self, queries, start, stop):
        self.parts.append((start, stop))
        own = self.scores[queries[:, 0].astype(int), start:stop]
        rows = np.argsort(-own, axis=1)
        return np.take_along_axis(own, rows, axis=1), rows + start

    def top(self, k, ties_from, deepest=None):
        queries = np.arange(len(self.scores), dtype=np.float32)[:, None]
        return exact_top(Scanned(self.scan, self.part, SIZE, deepest), queries, k, ties_from)


@pytest.mark.parametrize("ties_from", [0, 1, 250, 399])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 99, 399, 400])
@pytest.mark.parametrize("deepest", [None, 101])
def test_a_scan_that_breaks_ties_in_another_order_is_corrected(monkeypatch, k, ties_from, deepest):
    if deepest is not None and k >= deepest:
        pytest.skip("no deeper than the scan goes, less one")
    monkeypatch.setattr(ties, "PART", 30)
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.integers(0, high, (3, SIZE)) for high in (1, 2, 5, 300)]).astype(np.float32)
    scanner = Scanner(scores, ties_from)
    hits = scanner.top(k, ties_from, deepest)
    expected = np.lexsort((scanner.last[None].repeat(len(scores), 0), -scores), axis=-1)[:, :k]
    assert (hits.ids == expected).all()
    assert (hits.scores == np.take_along_axis(scores, expected, axis=1)).all()
    assert max(scanner.depths) <= min(SIZE, deepest or 4 * (k + 1))


def test_where_all_passages_are_equal_no_more_are_scored_than_needed(monkeypatch):
    monkeypatch.setattr(ties, "PART", 30)
    scanner = Scanner(np.zeros((5, SIZE), np.float32), 380)
    hits = scanner.top(10, 380)
    assert hits.ids.tolist() == [list(range(380, 390))] * 5
    assert scanner.depths == [11, 44]
    assert scanner.parts == [(380, 400)]
    assert Scanner(np.zeros((5, SIZE), np.float32), 0).top(70, 0).ids.tolist() == [list(range(70))] * 5


def test_a_part_that_rounds_differently_keeps_what_was_fetched():
    scanner = Scanner(np.zeros((1, SIZE), np.float32), 0)
    scanner.part = lambda queries, start, stop: (np.ones((1, stop - start)), np.arange(start, stop)[None])
    assert scanner.top(3, 0).ids.tolist() == [[384, 385, 386]]  # of the last 16


def test_the_start_of_ties_is_the_seeds_and_spread_over_the_passages():
    assert tie_start(0, 1) == 0
    starts = np.array([tie_start(seed, 1000) for seed in range(2000)])
    assert abs(starts.mean() - 499.5) < 3 * 1000 / np.sqrt(12 * 2000)
    assert len(set(starts.tolist())) > 800
    assert tie_start(7, 1000) == tie_start(7, 1000) != tie_start(8, 1000)
