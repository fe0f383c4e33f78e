"""Reads a JSON array of objects that is larger than memory, one object at a time.

Not with ijson, whose objects have no line (benchmarks/json_array.py): read line by line so that errors can name one, it
is no faster; it also reads half a surrogate pair as "?" and anything but an array as an empty one.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from .raw_files import bad_line, read_chunks

WHITESPACE = " \t\r\n"
LARGEST_OBJECT = 1 << 26  # characters; a longer one is taken for a broken file and not read to its end


class _Window:
    """The part of the text that is not consumed yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = ""
        self.at = 0  # position of the next character
        self.line = 1  # line of that character
        self._chunks = read_chunks(path)

    def more(self) -> bool:
        """Drop what was consumed and read at least as much as is pending; False at the end of the file."""
        pending = self.text[self.at :]
        chunks: list[str] = []
        size = 0
        while size <= len(pending):
            chunk = next(self._chunks, "")
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
        self.text, self.at = pending + "".join(chunks), 0
        return size > 0

    def move(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def next_mark(self) -> str:
        """Skip white space; the next character, "" at the end of the file."""
        while True:
            end = self.at
            while end < len(self.text) and self.text[end] in WHITESPACE:
                end += 1
            self.move(end)
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""


def read_json_array(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line an object begins on, object) of a file that holds one JSON array of objects.

    Raises LabradorError with file and line for anything else, such as a truncated file.
    """
    window = _Window(path)
    decoder = json.JSONDecoder()
    _expect(window, "[", "a JSON array of questions")
    if window.next_mark() == "]":
        window.move(window.at + 1)
    else:
        while True:
            yield _next_object(window, decoder)
            mark = _expect(window, ",]", "a comma or the array's end after the question")
            if mark == "]":
                break
    if window.next_mark():
        raise bad_line(path, window.line, "expected nothing after the array; remove it")


def _expect(window: _Window, marks: str, what: str) -> str:
    mark = window.next_mark()
    if not mark or mark not in marks:
        raise _unexpected(window, mark, what)
    window.move(window.at + 1)
    return mark


def _unexpected(window: _Window, mark: str, what: str) -> LabradorError:
    found = repr(mark) if mark else "end of file"
    return bad_line(window.path, window.line, f"{found}; expected {what}")


def _next_object(window: _Window, decoder: json.JSONDecoder) -> tuple[int, dict[str, Any]]:
    mark = window.next_mark()
    if mark != "{":
        raise _unexpected(window, mark, "a JSON object with a question")
    line = window.line
    while True:
        try:
            value, end = decoder.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            at = line + window.text.count("\n", window.at, error.pos)
            if len(window.text) - window.at < LARGEST_OBJECT and window.more():
                continue
            raise bad_line(window.path, at, f"expected a whole JSON object ({error.msg})") from error
        except (ValueError, RecursionError) as error:  # an integer of thousands of digits; brackets as deep
            raise bad_line(window.path, line, f"expected a JSON object with a question ({error})") from error
        window.move(end)
        return line, value
