"""Reads judgements and queries in the layouts of TREC, MS MARCO and BEIR."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from .judgements import LARGEST_GRADE, Judgement
from .raw_files import bad_line, read_lines, read_table
from .writer import Query

LAYOUTS = "3 (query-id, corpus-id, score) or TREC's 4 (query id, 0, passage id, grade), separated by tabs or blanks"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
WHOLE = re.compile(r"([+-]?\d+)(\.0*)?", re.ASCII)
LACKING = ("", "nan", "inf", "-inf", "null", "none", "na")  # what stands for a missing grade, not for a header
EXACT = 2**53  # floats below this hold every whole number


def read_qrels(path: Path) -> Iterator[Judgement]:
    """Judgements from lines `qid pid grade` or `qid 0 pid grade`, separated by tabs or blanks; blank lines are skipped.

    A first line whose grade is not a number is a header. Raises LabradorError with the line.
    """
    columns = 0  # of the previous lines
    for line, text in read_lines(path):
        if not text.strip():
            continue
        fields = [field.strip() for field in text.split("\t")] if "\t" in text else text.split()
        if len(fields) not in ((columns,) if columns else (3, 4)):
            expected = f"{columns}, as on the previous lines" if columns else LAYOUTS
            found = f"{len(fields)} column{'' if len(fields) == 1 else 's'}"
            raise bad_line(path, line, f"{found}; expected {expected}")
        header = not columns and fields[-1].lower() not in LACKING and not NUMBER.fullmatch(fields[-1])
        columns = len(fields)
        if header:
            continue
        for field in fields:
            if len(field.split()) > 1:
                raise bad_line(path, line, f"{field!r} holds white space; expected tabs or blanks between all columns")
        yield Judgement(line, fields[0], fields[-2], _grade(path, line, fields[-1]))


def read_query_table(path: Path) -> Iterator[Query]:
    """Queries from lines `qid TAB text`; raises LabradorError with the line."""
    for line, (qid, text) in read_table(path, ("query id", "text")):
        yield Query(line, qid, text)


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of a file with a JSON object on each line; blank lines are skipped.

    Raises LabradorError with the line for anything else.
    """
    for line, text in read_lines(path):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also an integer of thousands of digits
            old = "; its lines end in \\r alone: convert it with tr '\\r' '\\n' < OLD > NEW" if "\r" in text else ""
            raise bad_line(path, line, f"expected a JSON object ({error}){old}") from error
        if not isinstance(found, dict):
            raise bad_line(path, line, f"a {type(found).__name__}; expected a JSON object")
        yield line, found


def id_of(path: Path, line: int, found: dict[str, Any]) -> str:
    """The `_id` of an object, a string or a whole number; raises LabradorError with the line for anything else."""
    name = found.get("_id")
    if isinstance(name, str):
        return name
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    shown = repr(name) if "_id" in found else "missing"
    raise bad_line(path, line, f"'_id' is {shown}; expected a string such as \"p1\", or a whole number")


def text_of(path: Path, line: int, found: dict[str, Any], *names: str) -> list[str]:
    """The texts `names` of an object, "" for null or missing ones.

    Raises LabradorError with the line for a text that is not a string, and if all are missing.
    """
    if not any(name in found for name in names):
        keys = ", ".join(map(repr, found)) or "none"
        raise bad_line(path, line, f"the keys are {keys}; expected {' or '.join(map(repr, names))} with a text")
    texts = []
    for name in names:
        text = found.get(name)
        if text is not None and not isinstance(text, str):
            raise bad_line(path, line, f"{name!r} is {repr(text)[:80]}; expected a string, or null")
        texts.append(text or "")
    return texts


def judged_queries(queries: Iterable[Query], qrels: Path, judgements: Sequence[Judgement]) -> list[Query]:
    """The queries that `judgements`, read from `qrels`, judge.

    Raises LabradorError if there are no judgements or all are of other queries.
    """
    if not judgements:
        raise LabradorError(f"{qrels}: no judgements; expected at least one; add some, or remove the file")
    qids = {judgement.qid for judgement in judgements}
    judged = [query for query in queries if query.qid in qids]
    if not judged:
        first = judgements[0]
        problem = (
            f"query {first.qid!r}, like all judged ones, is not in the file of the queries; expected ids of that file"
        )
        raise bad_line(qrels, first.line, f"{problem}; put the queries and their judgements together")
    return judged


def _grade(path: Path, line: int, text: str) -> int:
    """A grade, a whole number such as 1 or 1.0; raises LabradorError with the line for anything else."""
    whole = WHOLE.fullmatch(text) if len(text) <= 40 else None
    if whole is not None:
        grade = int(whole[1])
    elif len(text) <= 40 and NUMBER.fullmatch(text) and float(text).is_integer() and abs(float(text)) < EXACT:
        grade = int(float(text))
    else:
        raise bad_line(path, line, f"grade {text[:40]!r}; expected a whole number such as 0, 1 or 2")
    if abs(grade) > LARGEST_GRADE:
        problem = f"grade {text[:40]!r}; expected a whole number from -{LARGEST_GRADE} to {LARGEST_GRADE}"
        raise bad_line(path, line, problem)
    return grade
