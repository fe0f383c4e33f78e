"""Unlabelled questions from a file of the user's: one per line, or BEIR's queries.jsonl."""

from collections.abc import Iterator
from pathlib import Path

from ..errors import LabradorError
from .qrels import read_json_lines, text_of
from .raw_files import read_lines

JSON_LINES = (".jsonl", ".jsonl.gz")


def read_questions(path: Path) -> list[str]:
    """The questions of a file, in its order, each once, blank ones left out.

    A file that ends in .jsonl or .jsonl.gz has one {"_id": ..., "text": ...} per line, any other one question per
    line; both may be gzipped. Raises LabradorError when it cannot be read or has none.
    """
    if not path.is_file():
        raise LabradorError(f"{path}: no such file; a file with one question per line was expected")
    found = dict.fromkeys(text for line in _texts(path) if (text := line.strip()))
    if not found:
        raise LabradorError(f"{path}: no questions; one per line was expected, or BEIR's queries.jsonl")
    return list(found)


def _texts(path: Path) -> Iterator[str]:
    if path.name.endswith(JSON_LINES):
        return (text_of(path, line, row, "text")[0] for line, row in read_json_lines(path))
    return (text for _, text in read_lines(path))
