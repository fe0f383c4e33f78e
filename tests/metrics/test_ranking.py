"""Scores against judgements, on rankings worked out by hand."""

from math import log2

import numpy as np
import pytest

from labrador.metrics import ranking
from labrador.metrics.ranking import score_ranking
from labrador.metrics.scores import METRICS

PASSAGES = 10
NO_HITS = [-1] * PASSAGES


def ranked(*rows: list[int]) -> np.ndarray:
    return np.array([row + [-1] * (PASSAGES - len(row)) for row in rows], dtype=np.int64)


def qrels(*triples: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    queries, passages, grades = (np.array(column, dtype=np.int64) for column in zip(*triples, strict=True))
    return queries, passages, grades


def test_one_relevant_passage_at_rank_two():
    scores = score_ranking(ranked([3, 7, 1]), qrels((0, 7, 1)), passages=PASSAGES)
    assert scores.means["MRR@10"] == pytest.approx(1 / 2)
    assert scores.means["R@1"] == 0
    assert scores.means["R@5"] == 1
    assert scores.means["nDCG@10"] == pytest.approx(1 / log2(3))


def test_grades_are_gains_and_grade_zero_is_not_relevant():
    scores = score_ranking(ranked([9, 5, 2]), qrels((0, 2, 3), (0, 5, 1), (0, 9, 0)), passages=PASSAGES)
    assert scores.means["MRR@10"] == pytest.approx(1 / 2)
    assert scores.means["R@5"] == 1
    dcg = 0 / log2(2) + 1 / log2(3) + 3 / log2(4)
    ideal = 3 / log2(2) + 1 / log2(3)
    assert scores.means["nDCG@10"] == pytest.approx(dcg / ideal)


def test_success_is_whether_any_relevant_passage_is_in_the_top_k():
    judged = qrels((0, 1, 1), (0, 5, 1), (0, 8, 1), (1, 2, 1), (1, 3, 1), (2, 4, 0))
    runs = ranked([0, 2, 1, 5], [9, 8, 7, 6], [4])
    scores = score_ranking(runs, judged, passages=PASSAGES, metrics=("R@5", "Success@1", "Success@5"))
    assert scores.per_query["R@5"].tolist() == pytest.approx([2 / 3, 0, 0])
    assert scores.per_query["Success@1"].tolist() == [0, 0, 0]
    assert scores.per_query["Success@5"].tolist() == [1, 0, 0]
    assert scores.means["Success@5"] == pytest.approx(1 / 3)


def test_recall_is_the_share_of_the_relevant_passages():
    scores = score_ranking(
        ranked([1, 0, 2, 3, 4, 5]), qrels((0, 1, 1), (0, 5, 1), (0, 8, 1), (0, 9, 2)), passages=PASSAGES
    )
    assert scores.means["R@1"] == pytest.approx(1 / 4)
    assert scores.means["R@5"] == pytest.approx(1 / 4)
    assert scores.means["R@20"] == pytest.approx(2 / 4)


def test_questions_without_hits_count_and_questions_without_judgements_do_not():
    ids = ranked([4], [], [5], [6])
    scores = score_ranking(ids, qrels((0, 4, 1), (1, 4, 1), (3, 6, 0)), passages=PASSAGES)
    np.testing.assert_array_equal(scores.per_query["MRR@10"], [1, 0, np.nan, 0])
    np.testing.assert_array_equal(scores.per_query["nDCG@10"], [1, 0, np.nan, 0])
    assert scores.counted == 3
    assert scores.means["MRR@10"] == pytest.approx(1 / 3)


def test_places_without_a_passage_are_skipped():
    ids = np.array([[-1, 3, -1, 7, -1, -1, -1, -1, -1, -1]])
    assert score_ranking(ids, qrels((0, 7, 1)), passages=PASSAGES).means["MRR@10"] == pytest.approx(1 / 2)


def test_mrr_at_10_stops_at_rank_10_and_mrr_at_100_does_not():
    ids = np.arange(100)[None, :]
    scores = score_ranking(ids, qrels((0, 10, 1)), passages=100, metrics=("MRR@100", *METRICS))
    assert scores.means["MRR@10"] == 0
    assert scores.means["MRR@100"] == pytest.approx(1 / 11)


def test_the_order_of_the_hits_is_the_ranking_whatever_the_ids():
    """trec_eval would put 9 before 10 before 1 among equal scores, and "9" after "10" by another rule."""
    for order in ([1, 9, 0], [9, 1, 0], [0, 1, 9], [0, 9, 1]):
        scores = score_ranking(ranked(order), qrels((0, 9, 1)), passages=PASSAGES)
        assert scores.means["MRR@10"] == pytest.approx(1 / (order.index(9) + 1))
        assert scores.means["nDCG@10"] == pytest.approx(1 / log2(order.index(9) + 2))


def test_metrics_deeper_than_the_run_are_not_told():
    scores = score_ranking(np.arange(20)[None, :], qrels((0, 3, 1)), passages=5000)
    assert scores.means["R@20"] == 1
    assert scores.means["R@50"] is None
    assert "R@50" not in scores.per_query


def test_blocks_do_not_change_the_scores(monkeypatch):
    rng = np.random.default_rng(0)
    ids = np.stack([rng.permutation(40)[:30] for _ in range(11)])
    judged = qrels(*{(int(q), int(p), int(p) % 3) for q, p in rng.integers(0, [11, 40], (60, 2))})
    whole = score_ranking(ids, judged, passages=40)
    monkeypatch.setattr(ranking, "BLOCK", 2)
    blocks = score_ranking(ids, judged, passages=40)
    assert whole.means == blocks.means
    for name, values in whole.per_query.items():
        np.testing.assert_array_equal(values, blocks.per_query[name])


def test_a_passage_ranked_twice_is_a_fault():
    with pytest.raises(ValueError, match="query 1: a passage is ranked twice"):
        score_ranking(ranked([1, 2], [3, 0, 3]), qrels((0, 1, 1)), passages=PASSAGES)


def test_judgements_of_other_questions_are_a_fault():
    with pytest.raises(ValueError, match=r"queries 0\.\.2, run of 2"):
        score_ranking(ranked([1], [2]), qrels((0, 1, 1), (2, 1, 1)), passages=PASSAGES)


def test_no_judgements_at_all():
    nothing = tuple(np.empty(0, dtype=np.int64) for _ in range(3))
    scores = score_ranking(ranked([1]), nothing, passages=PASSAGES)
    assert scores.counted == 0
    assert set(scores.means.values()) == {None}
