"""What a mean is taken over, and which metrics a run of some depth can tell."""

import numpy as np
import pytest

from labrador.metrics.scores import METRICS, summarize, within


def test_the_metrics_are_those_of_a_result_row():
    assert METRICS == ("MRR@10", "R@1", "R@5", "R@20", "R@50", "R@100", "R@1000", "nDCG@10")


def test_means_are_over_counted_questions_and_the_others_are_nan():
    scores = summarize({"R@1": np.array([1.0, 0.5, 0.0])}, ("R@1", "nDCG@10"), np.array([True, False, True]))
    assert scores.means == {"R@1": 0.5, "nDCG@10": None}
    assert scores.counted == 2
    assert list(scores.per_query) == ["R@1"]
    np.testing.assert_array_equal(scores.per_query["R@1"], [1.0, np.nan, 0.0])


def test_the_order_of_the_questions_decides_no_digit_of_a_mean():
    values = np.array([0.1, 1.0, 1 / 3, 0.2, 1 / 7, 0.7, 1 / 9])
    means = {
        summarize({"R@1": values[order]}, ("R@1",), np.ones(7, dtype=bool)).means["R@1"]
        for order in map(np.random.default_rng(0).permutation, [7] * 50)
    }
    assert len(means) == 1


def test_without_a_counted_question_there_is_no_mean():
    scores = summarize({"R@1": np.zeros(2)}, ("R@1",), np.array([False, False]))
    assert scores.means == {"R@1": None}
    assert scores.counted == 0


@pytest.mark.parametrize(
    ("depth", "passages", "known"),
    [
        (1000, 10**6, METRICS),
        (100, 10**6, ("MRR@10", "R@1", "R@5", "R@20", "R@50", "R@100", "nDCG@10")),
        (5, 10**6, ("R@1", "R@5")),
        (300, 300, METRICS),  # the whole corpus is ranked: R@1000 is R@300
    ],
)
def test_a_run_has_no_metric_deeper_than_itself(depth, passages, known):
    assert within(METRICS, depth, passages) == known
