"""DPR's answer match."""

import numpy as np
import pytest

from labrador.metrics.answers import AnswerMatcher, first_matches, score_answers, tokenize


def test_tokens_are_runs_of_letters_numbers_and_marks_or_single_other_characters():
    assert tokenize("U.S. G-8 (2005):\tnaïve\u00a0x²") == [
        *("u", ".", "s", ".", "g", "-", "8", "(", "2005", ")", ":", "nai\u0308ve", "x²"),
    ]


def test_control_and_format_characters_are_no_tokens():
    assert tokenize("a\u200bb\x00c\n") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Paris", "The capital is PARIS."),
        ("café", "at the CAFE\u0301 on the corner"),  # composed answer, decomposed text
        ("cafe\u0301", "at the café on the corner"),
        ("New York", "in new\n york City"),
        ("U.S.", "the U.S. Senate"),
        ("U. S.", "the U.S. Senate"),  # white space is not looked at
        ("14 December 1972", "on 14 December 1972, they"),
        ("O'Brien", "Mr. O'Brien said"),
        ("ΟΔΟΣ", "η οδός".replace("ό", "ο")),  # final sigma
        ("ΟΔΟΣ.", "η ΟΔΟΣ.Α"),  # a final sigma only if the token is looked at by itself
        ("İstanbul", "in İSTANBUL today"),
        ("東京", "東京"),
        ("$5", "it costs $5 now"),
        ("to be to", "to be to be to be"),  # overlaps itself
    ],
)
def test_matches(answer, text):
    assert AnswerMatcher([answer])(text)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("art", "the party started"),  # inside a token
        ("cafe", "at the café"),  # the accent is part of the token
        ("New York", "New and York"),  # not next to each other
        ("York New", "New York"),  # other order
        ("U.S.", "the US Senate"),
        ("1972", "19723 and 21972"),
        ("Paris", ""),
        ("", "anything"),
        ("  \t", "any  \t thing"),
        ("a b", "xa bx"),
        ("to be to be to", "to be to and be to"),
    ],
)
def test_does_not_match(answer, text):
    assert not AnswerMatcher([answer])(text)


def test_any_of_the_answers_is_enough_and_empty_ones_do_no_harm():
    matches = AnswerMatcher(["", "Bonn", "Berlin"])
    assert matches("in Berlin")
    assert not matches("in Munich")
    assert not AnswerMatcher([])("anything")


TEXTS = ["nothing here", "the answer is blue", "Red it is", "green", "blue and red"]


class Reader:
    """Gives texts by row and remembers which rows were asked for."""

    def __init__(self, texts):
        self.texts, self.reads = texts, []

    def __call__(self, rows):
        self.reads.append(rows.tolist())
        return [self.texts[row] for row in rows]


def test_rank_of_the_first_match():
    ids = np.array([[0, 1, 4], [3, 0, 2], [0, 3, -1], [-1, 2, 1]])
    ranks = first_matches(ids, [["blue"], ["red", "blue"], ["red"], ["blue"]], Reader(TEXTS))
    assert ranks.tolist() == [2, 3, 0, 3]


def test_passages_below_the_first_match_are_read_no_further_than_their_block():
    texts = ["x"] * 100
    texts[5] = texts[20] = "hit"
    reader = Reader(texts)
    assert first_matches(np.arange(100)[None, :], [["hit"]], reader).tolist() == [6]
    assert reader.reads == [list(range(8))]
    texts[5] = "x"
    reader = Reader(texts)
    assert first_matches(np.arange(100)[None, :], [["hit"]], reader).tolist() == [21]
    assert reader.reads == [list(range(8)), list(range(8, 40))]


def test_every_question_needs_its_answers():
    with pytest.raises(ValueError, match="2 rankings for the answers of 1 questions"):
        first_matches(np.zeros((2, 1), dtype=np.int64), [["a"]], Reader(TEXTS))


def test_scores_of_first_matches():
    scores = score_answers(np.array([1, 2, 0, 15]), depth=1000, passages=10**6)
    assert scores.means == {
        "MRR@10": pytest.approx((1 + 1 / 2 + 0 + 0) / 4),
        "R@1": 1 / 4,
        "R@5": 2 / 4,
        "R@20": 3 / 4,
        "R@50": 3 / 4,
        "R@100": 3 / 4,
        "R@1000": 3 / 4,
        "nDCG@10": None,
    }
    assert scores.counted == 4
    assert "nDCG@10" not in scores.per_query
    np.testing.assert_array_equal(scores.per_query["MRR@10"], [1, 1 / 2, 0, 0])


def test_scores_of_a_shallow_run():
    scores = score_answers(np.array([1, 0]), depth=20, passages=10**6)
    assert scores.means["R@20"] == 1 / 2
    assert scores.means["R@100"] is None


def plain_match(answers, text):
    """The definition, word by word: the answer's tokens are a slice of the text's."""
    tokens = tokenize(text)
    return any(
        wanted and any(tokens[i : i + len(wanted)] == wanted for i in range(len(tokens)))
        for wanted in map(tokenize, answers)
    )


def test_agrees_with_the_definition_on_random_texts():
    rng = np.random.default_rng(0)
    pieces = np.array(["a", "A", "b", "É", "e\u0301", "Σ", "σ", "ς", " ", " ", ".", "-", "1", "\u0130", "ß", "\n"])
    found = 0
    for _ in range(3000):
        text = "".join(rng.choice(pieces, 12))
        answers = ["".join(rng.choice(pieces, rng.integers(0, 4))) for _ in range(2)]
        expected = plain_match(answers, text)
        assert AnswerMatcher(answers)(text) == expected, (answers, text)
        found += expected
    assert 300 < found < 2700
