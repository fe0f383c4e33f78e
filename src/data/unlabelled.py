"""Reads unlabelled queries from a file of yours: one on each line, or BEIR's queries.jsonl."""

from collections.abc import Iterator
from pathlib import Path

from ..errors import LabradorError
from .qrels import read_json_lines, text_of
from .raw_files import read_lines

JSON_LINES = (".jsonl", ".jsonl.gz")


def read_questions(path: Path) -> list[str]:
    """The queries of a file in its order, each once, without blank ones.

    A file named *.jsonl or *.jsonl.gz has {"_id": ..., "text": ...} on each line, any other a query on each line; both
    may be gzipped. Raises LabradorError if it cannot be read or has none.
    """
    if not path.is_file():
        raise LabradorError(f"{path}: no such file; expected one query on each line; check the path")
    found = dict.fromkeys(text for line in _texts(path) if (text := line.strip()))
    if not found:
        raise LabradorError(f"{path}: no queries; expected one on each line, or BEIR's queries.jsonl")
    return list(found)


def _texts(path: Path) -> Iterator[str]:
    if path.name.endswith(JSON_LINES):
        return (text_of(path, line, row, "text")[0] for line, row in read_json_lines(path))
    return (text for _, text in read_lines(path))
