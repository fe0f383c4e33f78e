"""Unlabelled questions from a user's file."""

import pytest
from layouts import write_text

from labrador.data.unlabelled import read_questions
from labrador.errors import LabradorError


@pytest.mark.parametrize("packed", [False, True])
def test_one_question_per_line_each_once_in_order(tmp_path, packed):
    text = "who keeps the fox?\n\n  why  \nwhat's \tnew\r\nwhy\n   \nwho keeps the fox?\nwhen"
    path = write_text(tmp_path / "questions.txt", text, packed)
    assert read_questions(path) == ["who keeps the fox?", "why", "what's \tnew", "when"]


@pytest.mark.parametrize("packed", [False, True])
def test_queries_of_beir(tmp_path, packed):
    lines = ['{"_id": "1", "text": " why "}', "", '{"_id": "2", "text": "wer fährt"}', '{"_id": "3", "text": "why"}']
    path = write_text(tmp_path / "queries.jsonl", "\n".join(lines), packed)
    assert read_questions(path) == ["why", "wer fährt"]


def test_json_in_a_file_of_another_name_is_text(tmp_path):
    path = write_text(tmp_path / "questions.txt", '{"text": "why"}\n')
    assert read_questions(path) == ['{"text": "why"}']


def test_a_line_that_is_no_question_is_named(tmp_path):
    path = write_text(tmp_path / "queries.jsonl", '{"text": "why"}\n{"text": 3}\n')
    with pytest.raises(LabradorError, match=r"queries\.jsonl:2: 'text' is 3; expected a string, or null"):
        read_questions(path)


@pytest.mark.parametrize(("name", "text"), [("a.txt", ""), ("a.txt", " \n\n"), ("a.jsonl", '{"text": " "}\n')])
def test_a_file_without_questions_is_refused(tmp_path, name, text):
    with pytest.raises(LabradorError, match=f"{name}: no queries; expected one on each line"):
        read_questions(write_text(tmp_path / name, text))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(LabradorError, match=f"{path}: no such file; expected one query on each line"):
            read_questions(path)
