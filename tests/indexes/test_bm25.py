"""BM25: against a plain formula, against bm25s' own index and search, and its ties, empty queries and mining."""

import logging
import math
from pathlib import Path

import bm25s
import numpy as np
import pytest
import Stemmer

from labrador.arrays.ragged import Ragged
from labrador.errors import LabradorError
from labrador.indexes.base import QueryTexts
from labrador.indexes.bm25 import BM25Index, build_bm25, mine

WORDS = ["apple", "berry", "cherry", "damson", "elder", "fig", "grape", "hazel"]
PASSAGES = [
    ("", "apple apple berry"),
    ("cherry", "damson"),
    ("", "the of and"),  # stopwords alone
    ("apples", "figs and elders"),
    ("", "apple apple berry"),
]


def build(passages: list[tuple[str, str]], folder: Path, threads: int = 1) -> BM25Index:
    half = len(passages) // 2
    build_bm25([passages[:half], passages[half:]], folder, len(passages))
    return BM25Index(folder, threads)


def random_passages(count: int) -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    return [("", " ".join(rng.choice(WORDS, rng.integers(1, 12)))) for _ in range(count)]


def test_scores_worked_out_by_hand(tmp_path: Path):
    hits = build(PASSAGES, tmp_path).search(QueryTexts(["apple"]), 5)
    mean = (3 + 2 + 0 + 3 + 3) / 5
    idf = math.log(1 + (5 - 3 + 0.5) / (3 + 0.5))  # "apple" is in three of five passages

    def score(tf: int, length: int) -> float:
        return idf * tf / (tf + 0.9 * (1 - 0.4 + 0.4 * length / mean))

    assert hits.ids.tolist() == [[0, 4, 3, -1, -1]]
    assert hits.scores[0, :3].tolist() == pytest.approx([score(2, 3), score(2, 3), score(1, 3)], rel=1e-6)
    assert np.isneginf(hits.scores[0, 3:]).all()


def test_equals_the_index_that_bm25s_builds(tmp_path: Path):
    passages = random_passages(300)
    index = build(passages, tmp_path)
    tokens = bm25s.tokenize([text for _, text in passages], stemmer=Stemmer.Stemmer("english"), show_progress=False)
    theirs = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    theirs.index(tokens, show_progress=False)
    for query in ["apple", "apple fig", "grape grape hazel elder"]:
        words = Stemmer.Stemmer("english").stemWords(query.split())
        expected = theirs.get_scores(words)
        order = np.lexsort((np.arange(300), -expected))[:20]
        hits = index.search(QueryTexts([query]), 20)
        np.testing.assert_allclose(hits.scores[0], expected[order], rtol=1e-5)
        np.testing.assert_allclose(expected[hits.ids[0]], expected[order], rtol=1e-5)


def test_bm25s_reads_and_searches_the_files(tmp_path: Path):
    index = build(random_passages(50), tmp_path)
    loaded = bm25s.BM25.load(tmp_path)
    expected = loaded.get_scores(["appl", "fig"])
    hits = index.search(QueryTexts(["apple fig"]), 50)
    found = hits.ids[0] >= 0
    np.testing.assert_array_equal(hits.scores[0][found], expected[hits.ids[0][found]])
    assert found.sum() == (expected > 0).sum()


@pytest.mark.parametrize("k", [1, 7, 64, 200])
def test_equal_scores_are_ranked_by_row(tmp_path: Path, k: int):
    rng = np.random.default_rng(1)
    passages = [("", " ".join(rng.choice(WORDS[:3], 2))) for _ in range(200)]  # nine texts, so most scores are equal
    index = build(passages, tmp_path)
    every = bm25s.BM25.load(tmp_path)
    for query in ["apple", "apple berry", "cherry apple"]:
        expected = every.get_scores(Stemmer.Stemmer("english").stemWords(query.split()))
        order = [row for row in np.lexsort((np.arange(200), -expected)) if expected[row] > 0][:k]
        assert index.search(QueryTexts([query]), k).ids[0].tolist() == order + [-1] * (k - len(order))


def test_unknown_terms_empty_queries_and_stopwords_find_nothing(tmp_path: Path):
    hits = build(PASSAGES, tmp_path).search(QueryTexts(["zebra", "", "the", "zebra damson"]), 2)
    assert hits.ids.tolist() == [[-1, -1], [-1, -1], [-1, -1], [1, -1]]


def test_k_is_cut_to_the_passages_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    index = build(PASSAGES, tmp_path)
    with caplog.at_level(logging.INFO):
        index.search(QueryTexts(["apple"]), 5)
        assert not caplog.records
        for _ in range(2):
            assert index.search(QueryTexts(["apple"]), 100).ids.shape == (1, 5)
    assert [record.message for record in caplog.records] == [
        "k=100 is beyond the 5 passages of the index: every ranking has 5"
    ]


def test_no_queries(tmp_path: Path):
    assert build(PASSAGES, tmp_path).search(QueryTexts([]), 3).ids.shape == (0, 3)


def test_threads_and_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labrador.indexes.bm25.BLOCK", 16)
    rng = np.random.default_rng(2)
    queries = [" ".join(rng.choice(WORDS, 2)) for _ in range(300)]
    one = build(random_passages(100), tmp_path)
    many = BM25Index(tmp_path, threads=3)
    expected = [one.search(QueryTexts([query]), 10).ids[0].tolist() for query in queries]
    assert many.search(QueryTexts(queries), 10).ids.tolist() == expected


def test_the_same_passages_give_the_same_files(tmp_path: Path):
    build(random_passages(40), tmp_path / "a")
    build_bm25([random_passages(40)], tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_corpus_without_terms(tmp_path: Path):
    with pytest.raises(LabradorError, match="the passages have none"):
        build_bm25([[("", "the"), ("", "?")]], tmp_path)


def test_mining_leaves_positives_out_and_keeps_the_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labrador.indexes.bm25.MINED", 6)  # two queries, then one, then one
    index = build(PASSAGES, tmp_path)
    positives = Ragged.from_lists([[0], [], [3, 1], [2]])
    mined = mine(index, ["apple", "apple", "fig", "zebra"], positives, depth=2)
    assert [row.tolist() for row in mined] == [[4, 3], [0, 4], [], []]
