"""Questions that are passages: found by their id and their text, not by a number that coincides."""

import numpy as np
import pytest

from labrador.data.corpus import Corpus, Handling
from labrador.data.exclude_self import same_text
from labrador.data.judgements import Judgement
from labrador.data.writer import Passage, Query, SchemaWriter

DUPLICATES = {"1": "How do I learn to swim?", "2": "What is a heron?", "3": "Why is the sky blue?"}


def written(folder, passages, questions, judged):
    out = SchemaWriter(folder, "qrels")
    out.passages(folder, (Passage(i, pid, "", text) for i, (pid, text) in enumerate(passages.items())))
    for split, qids in questions.items():
        queries = [Query(i, qid, text) for i, (qid, text) in enumerate(qids.items())]
        found = (Judgement(i, qid, pid, 1) for i, (qid, pid) in enumerate(judged.items()) if qid in qids)
        out.split(split, folder, queries, out.judgements(folder, found))
    out.finish()
    return folder


def own(folder, choice, split="test"):
    corpus = Corpus(folder, Handling(exclude_self=choice))
    rows = corpus.own(split)
    return None if rows is None else [corpus.passages.pids([row])[0] if row >= 0 else None for row in rows]


@pytest.fixture(scope="module")
def quora(tmp_path_factory):
    """Questions that are passages, as in Quora and ArguAna; 4 is no question."""
    passages = DUPLICATES | {"4": "How can I learn to swim?"}
    judged = {"1": "4", "2": "3", "3": "2"}
    train = {"3": DUPLICATES["3"]}
    test = {"1": "how do I learn  to swim", "2": DUPLICATES["2"]}
    return written(tmp_path_factory.mktemp("quora"), passages, {"train": train, "test": test}, judged)


@pytest.mark.parametrize("choice", ["auto", True])
def test_the_passage_that_is_the_question_is_its_own(quora, choice):
    assert own(quora, choice) == ["1", "2"]
    assert own(quora, choice, "train") == ["3"]


def test_false_leaves_nothing_out(quora):
    assert own(quora, False) is None


def test_it_is_never_a_negative(quora):
    corpus = Corpus(quora)
    assert [sorted(corpus.passages.pids(rows)) for rows in corpus.spared("train")] == [["2", "3"]]
    (alone,) = Corpus(quora, Handling(exclude_self=False)).spared("train")
    assert corpus.passages.pids(alone) == ["2"]


def test_numbers_that_coincide_by_accident(tmp_path):
    """MS MARCO's question 2 has nothing to do with its passage 2."""
    passages = {"1": "Herons stand in water.", "2": "The sky is blue by day.", "3": "Swimming is learned young."}
    questions = {"1": "why is the sky blue", "2": "where do herons stand", "9": "how to swim"}
    folder = written(tmp_path, passages, {"test": questions}, {"1": "2", "2": "1", "9": "3"})
    assert own(folder, "auto") is None
    assert own(folder, True) == ["1", "2", None]


def test_a_relevant_passage_is_to_be_found_whatever_its_id(tmp_path):
    """A docstring's question and passage both have the function's name, and the passage is the answer."""
    passages = {"f": "Return a copy.", "g": "Sort a list."}
    questions = {"f": "Return a copy.", "g": "Sort a list."}
    folder = written(tmp_path, passages, {"test": questions}, {"f": "f", "g": "g"})
    assert own(folder, "auto") is None
    assert own(folder, True) == ["f", "g"]  # as BEIR has it


def test_where_most_are_the_questions_those_of_other_texts_are_too(tmp_path):
    passages = DUPLICATES | {"4": "Cut here: the text was mended."}
    questions = {**DUPLICATES, "4": "a question whose text was changed later"}
    folder = written(tmp_path, passages, {"test": questions}, {"1": "2", "2": "1", "3": "1", "4": "1"})
    assert own(folder, "auto") == ["1", "2", "3", "4"]


def test_one_that_is_the_question_among_accidents(tmp_path):
    passages = {"1": "Herons stand in water.", "2": "The sky is blue.", "3": "How to swim?"}
    questions = {"1": "why is the sky blue", "2": "where do herons stand", "3": "how to swim"}
    folder = written(tmp_path, passages, {"test": questions}, {"1": "2", "2": "1", "3": "1"})
    assert own(folder, "auto") == [None, None, "3"]


@pytest.mark.parametrize(
    ("title", "text", "question", "same"),
    [
        ("", "Learn to swim.", "learn to  SWIM", True),
        ("Learn to swim", "a long text " * 20, "Learn to swim", True),  # a forum's post, by its title
        ("Swimming", "Learn it.", "Swimming learn it", True),
        ("", "Learn to swim. Today.", "learn to swim", True),  # cut a little
        ("", "A text of many words that says how one can learn to swim in a year.", "swim", False),
        ("", "Learn", "learn to swim in a lake", False),
        ("", "学游泳", "学游泳？", True),
        ("", "?", "?", False),
    ],
)
def test_same_text(title, text, question, same):
    assert same_text((title, text), question) is same


def test_rows_and_judgements_of_all_splits_are_there(quora):
    (found, relevant) = (Corpus(quora).same_ids[split] for split in ("train", "test"))
    assert found.same_text.tolist() == [True]
    assert not np.any(relevant.relevant)
