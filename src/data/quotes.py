"""Reads tab-separated tables and decides whether their quotes are CSV's or text.

In CSV, as in DPR's release, a field that holds a quote is enclosed in quotes, those inside doubled: "a ""b"" c" is
a "b" c. Other passage files are written without that: their quotes are text. Read the wrong way, a file loses quotes or
several passages become one (csv.Sniffer guesses from a sample and never refuses). So a file is read as its own lines
show, and one that shows both, or neither clearly, is refused with the line and the setting that decides.
"""

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Literal

from ..errors import LabradorError
from .raw_files import bad_line, read_lines, wrong_columns

Quotes = Literal["auto", "csv", "text"]
Lines = Iterator[tuple[int, str]]
LOOKED_AT = 20_000  # lines at the beginning of a file that decide first
SHOWN = 40  # characters of a field in a message
DECIDE = "set data.quotes=csv if quotes enclose fields, or data.quotes=text if they are part of the text"


class Evidence(Enum):
    """What a field shows about the quotes of its file."""

    NONE = "no quote"
    INSIDE = "a quote in a field that does not begin with one"  # a CSV writer would have enclosed it
    ENCLOSED = "in quotes"  # written by a CSV writer that quotes every field of a column, or text
    DOUBLED = "in quotes, with doubled ones in it"  # written by a CSV writer
    UNCLOSED = "begins with a quote that is not closed at its end"  # not written by a CSV writer


def evidence(field: str) -> Evidence:
    """What a field, the text between two tabs, shows."""
    if '"' not in field:
        return Evidence.NONE
    if not field.startswith('"'):
        return Evidence.INSIDE
    inner = field[1:-1]
    if len(field) < 2 or not field.endswith('"') or '"' in inner.replace('""', ""):
        return Evidence.UNCLOSED
    return Evidence.DOUBLED if '""' in inner else Evidence.ENCLOSED


def read_quoted_table(path: Path, columns: tuple[str, ...], quotes: Quotes = "auto") -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated table; blank lines are skipped.

    quotes: "csv": they enclose fields, and a field may span lines (the number is that of the first); "text": they are
    part of the field; "auto": as the file's lines show.
    Raises LabradorError with the line for a number of columns that differs from `columns`, for an unclosed quote, and
    if the quotes of an "auto" file can be read both ways.
    """
    shown = _shown(path, len(columns)) if quotes == "auto" else quotes
    lines = read_lines(path)
    for line, text in lines:
        if not text.strip(" "):
            continue
        if shown != "csv" and quotes == "auto" and '"' in text:
            shown = _shown_by(path, line, text.split("\t"), len(columns), shown)
        fields = _unquoted(path, line, text, lines) if shown == "csv" and '"' in text else text.split("\t")
        if len(fields) != len(columns):
            raise bad_line(path, line, wrong_columns(len(fields), columns))
        yield line, fields


def _shown(path: Path, columns: int) -> Quotes:
    """What the first lines show, "auto" if none has a field that begins with a quote; raises LabradorError for both."""
    first: dict[Evidence, tuple[int, str]] = {}  # where each is seen first
    found = [Counter[Evidence]() for _ in range(columns)]
    for line, text in islice(read_lines(path), LOOKED_AT):
        fields = text.split("\t")
        if len(fields) != columns:  # blank, or part of a record that spans lines
            continue
        for count, field in zip(found, fields, strict=True):
            kind = evidence(field)
            if line > 1:  # the first may be a header
                count[kind] += 1
            first.setdefault(kind, (line, field))
    if Evidence.UNCLOSED in first and Evidence.DOUBLED in first:
        raise _both(path, *first[Evidence.UNCLOSED], f"line {first[Evidence.DOUBLED][0]}'s are doubled, as in CSV")
    if Evidence.UNCLOSED in first or Evidence.DOUBLED in first:
        return "text" if Evidence.UNCLOSED in first else "csv"
    if Evidence.ENCLOSED not in first:
        return "auto"
    enclosed = [count for count in found if count[Evidence.ENCLOSED]]
    if enclosed and all(len(count) == 1 and count.total() > 1 for count in enclosed):
        return "csv"  # every field of the column is in quotes
    if Evidence.INSIDE in first:
        return "text"
    raise _both(path, *first[Evidence.ENCLOSED], "other lines have none")


def _shown_by(path: Path, line: int, fields: list[str], columns: int, shown: Quotes) -> Quotes:
    """What a line shows, after lines that showed "text" or nothing ("auto"); raises LabradorError for both."""
    kinds = {evidence(field): field for field in reversed(fields)}
    if shown == "text":
        if Evidence.DOUBLED in kinds:
            raise _both(path, line, kinds[Evidence.DOUBLED], "those of other lines are not closed, as in text")
        return "text"
    if Evidence.DOUBLED in kinds and Evidence.UNCLOSED in kinds:
        raise _both(path, line, kinds[Evidence.UNCLOSED], "others of the line are doubled, as in CSV")
    if Evidence.DOUBLED in kinds:
        return "csv"
    if Evidence.UNCLOSED in kinds:
        return "text" if len(fields) == columns else "csv"
    if Evidence.ENCLOSED in kinds:
        raise _both(path, line, kinds[Evidence.ENCLOSED], "the lines before have none")
    return "auto"


def _both(path: Path, line: int, field: str, other: str) -> LabradorError:
    problem = f"{field[:SHOWN]!r}: its quotes can be CSV's or text ({other}); expected the same on all lines"
    return bad_line(path, line, f"{problem}; {DECIDE}")


def _unquoted(path: Path, line: int, text: str, lines: Lines) -> list[str]:
    """The fields of the CSV record that begins with `text` and may continue on `lines`."""
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            end = _closing(text, at + 1)
            while end < 0:
                more = None if "\t" in text[at:] else next(lines, None)  # else it would swallow lines
                if more is None:
                    raise _unclosed(path, line, text[at:])
                text = f"{text}\n{more[1]}"
                end = _closing(text, at + 1)
            fields.append(text[at + 1 : end].replace('""', '"'))
            if text[end + 1 : end + 2] not in ("", "\t"):
                raise _unclosed(path, line, text[at:])
            at = end + 1
        else:
            end = text.find("\t", at)
            end = len(text) if end < 0 else end
            fields.append(text[at:end])
            at = end
        if at == len(text):
            return fields
        at += 1


def _closing(text: str, at: int) -> int:
    """The position of the first quote from `at` on that is not doubled; -1 if there is none."""
    while (at := text.find('"', at)) >= 0 and text.startswith('"', at + 1):
        at += 2
    return at


def _unclosed(path: Path, line: int, field: str) -> LabradorError:
    field = field.partition("\t")[0]
    problem = (
        f"{field[:SHOWN]!r} begins with a quote; expected one at its end, too, and those inside doubled, as in CSV"
    )
    return bad_line(path, line, f"{problem}; correct the line, or {DECIDE}")
