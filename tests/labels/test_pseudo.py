"""Pseudo labels from a teacher's scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labrador.arrays.ragged import Ragged
from labrador.errors import LabradorError
from labrador.labels.pseudo import PseudoLabels, Thresholds, by_thresholds

NAN = float("nan")
IDS = [[4, 0, 7, 2], [3, 1, 0, -1], [5, 6, 0, 3]]
SCORES = [[0.95, 0.05, 0.5, 0.92], [0.02, 0.9, 0.1, NAN], [0.89, 0.01, 0.0, 0.3]]
JUDGED = [[2, 9], [3], [0]]


def labelled(
    ids: list[list[int]], scores: list[list[float]], judged: list[list[int]], thresholds: Thresholds
) -> PseudoLabels:
    return by_thresholds(np.array(ids), np.array(scores, np.float32), Ragged.from_lists(judged), thresholds)


def lists(ragged: Ragged) -> list[list[int]]:
    return [row.tolist() for row in ragged]


def test_a_passage_above_is_a_positive_one_below_a_negative_and_one_between_neither():
    """0.9 and 0.1 are neither above nor below; no passage stands where the id is -1."""
    found = labelled(IDS, SCORES, [[], [], []], Thresholds())
    assert lists(found.positives) == [[4, 2], [], []]
    assert lists(found.negatives) == [[0], [3], [6, 0]]


def test_a_judged_positive_is_no_negative_however_low_it_is_scored():
    found = labelled(IDS, SCORES, JUDGED, Thresholds())
    assert lists(found.positives) == [[4, 2], [], []]
    assert lists(found.negatives) == [[0], [], [6]]


def test_the_judgements_of_one_question_are_not_those_of_another():
    """A pair is known by question and passage together; -1 must not stand for the question before it."""
    scores = [[0.0, 0.95], [NAN, 0.0], [0.0, 0.0]]
    found = labelled([[0, 1], [-1, 1], [0, 1]], scores, [[1], [0], [0]], Thresholds())
    assert lists(found.negatives) == [[0], [1], [1]]


def test_questions_without_a_positive_are_counted_and_given_none():
    assert labelled(IDS, SCORES, JUDGED, Thresholds()).counts() == {
        "questions": 3,
        "scored": 11,
        "positives": 2,
        "negatives": 2,
        "without_positive": 2,
        "histogram": [4, 1, 0, 1, 0, 1, 0, 0, 1, 3],  # 0.1 and 0.9 open the second and the last tenth
    }


def test_labels_keep_the_order_of_the_ranking():
    found = labelled([[8, 3, 5, 1]], [[0.91, 0.0, 0.99, 0.09]], [[]], Thresholds())
    assert (lists(found.positives), lists(found.negatives)) == ([[8, 5]], [[3, 1]])


def test_thresholds_may_meet():
    found = labelled([[8, 3, 5]], [[0.5, 0.75, 0.25]], [[]], Thresholds(positive_above=0.5, negative_below=0.5))
    assert (lists(found.positives), lists(found.negatives)) == ([[3]], [[5]])


@pytest.mark.parametrize(
    ("scores", "judged", "message"),
    [
        ([[0.05, 0.9, 0.5]], [[]], r"positive_above=0\.9: .* above it, .*; lower it.*: 1, 0, 0, 0, 0, 1, 0, 0, 0, 1\)"),
        ([[0.95, 0.1, 0.5]], [[]], r"negative_below=0\.1: .* below it, .*; raise it.*: 0, 1, 0, 0, 0, 1, 0, 0, 0, 1\)"),
        ([[0.95, 0.05, 0.5]], [[1]], r"negative_below=0\.1: .* of 1 queries .* 1, 0, 0, 0, 0, 1, 0, 0, 0, 1\)"),
    ],
    ids=["no positive", "no negative", "the only negative is judged"],
)
def test_labels_of_one_kind_alone_are_an_error_with_the_histogram(scores, judged, message):
    with pytest.raises(LabradorError, match=message):
        labelled([[0, 1, 2]], scores, judged, Thresholds())


@pytest.mark.parametrize(("below", "above"), [(0.6, 0.5), (-0.1, 0.9), (0.1, 1.1), (NAN, 0.9), (0.1, NAN)])
def test_thresholds_that_mean_nothing_are_refused(below: float, above: float):
    with pytest.raises(
        LabradorError,
        match=r"(above|below)=.*: expected (at most|a number from|a finite number)",
    ):
        Thresholds(positive_above=above, negative_below=below)


@given(st.data())
def test_labels_are_those_of_a_plain_loop(data: st.DataObject):
    count, depth = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    tenths = st.integers(0, 10).map(lambda tenth: tenth / 10)
    below, above = sorted([data.draw(tenths), data.draw(tenths)])
    rows = st.lists(st.integers(0, 8), min_size=depth, max_size=depth, unique=True)
    ids = [data.draw(rows) for _ in range(count)]
    scores = [data.draw(st.lists(tenths, min_size=depth, max_size=depth)) for _ in range(count)]
    judged = [data.draw(st.lists(st.integers(0, 12), max_size=3, unique=True)) for _ in range(count)]
    for row, kept in enumerate(data.draw(st.lists(st.integers(0, depth), min_size=count, max_size=count))):
        ids[row][kept:] = [-1] * (depth - kept)
        scores[row][kept:] = [NAN] * (depth - kept)
    ranked = [[pair for pair in zip(*row, strict=True) if pair[0] >= 0] for row in zip(ids, scores, strict=True)]
    positives = [[passage for passage, score in row if score > above] for row in ranked]
    negatives = [
        [passage for passage, score in row if score < below and passage not in known]
        for row, known in zip(ranked, judged, strict=True)
    ]
    thresholds = Thresholds(positive_above=above, negative_below=below)
    if any(positives) and any(negatives):
        found = labelled(ids, scores, judged, thresholds)
        assert (lists(found.positives), lists(found.negatives)) == (positives, negatives)
        assert found.histogram.sum() == sum(map(len, ranked))
    else:
        with pytest.raises(LabradorError, match=r"scored (above|below) it, but there is none"):
            labelled(ids, scores, judged, thresholds)
