"""Reading judgements and queries in the layouts of TREC, MS MARCO and BEIR."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from .judgements import LARGEST_GRADE, Judgement
from .raw import bad_line, read_lines, read_table
from .writer import Query


def read_trec_qrels(path: Path) -> Iterator[Judgement]:
    """Judgements from lines `qid 0 pid grade`, parted by tabs or blanks; raises LabradorError with the line."""
    for line, (qid, _, pid, grade) in read_table(path, ("query id", "0", "passage id", "grade"), whitespace=True):
        yield Judgement(line, qid, pid, _grade(path, line, grade))


def read_beir_qrels(path: Path) -> Iterator[Judgement]:
    """Judgements from lines `qid TAB pid TAB grade`, a header line allowed; raises LabradorError with the line."""
    names = ("query-id", "corpus-id", "score")
    for line, fields in read_table(path, names):
        if line == 1 and tuple(fields) == names:
            continue
        yield Judgement(line, fields[0], fields[1], _grade(path, line, fields[2]))


def read_query_table(path: Path) -> Iterator[Query]:
    """Queries from lines `qid TAB text`; raises LabradorError with the line."""
    for line, (qid, text) in read_table(path, ("query id", "text")):
        yield Query(line, qid, text)


def read_json_lines(path: Path, *fields: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of a file with one JSON object per line, each of which has strings in `fields`.

    Blank lines are skipped. Raises LabradorError with the line for anything else.
    """
    expected = f"a JSON object with the strings {', '.join(fields)} was expected"
    for line, text in read_lines(path):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:  # a ValueError besides JSON's: an integer of thousands of digits
            raise bad_line(path, line, f"{expected} ({error})") from error
        if not isinstance(found, dict):
            raise bad_line(path, line, f"a {type(found).__name__} found; {expected}")
        for name in fields:
            if not isinstance(found.get(name), str):
                raise bad_line(path, line, f"{name!r} is {found.get(name)!r}; {expected}")
        yield line, found


def judged_queries(queries: Iterable[Query], qrels: Path, judgements: Sequence[Judgement]) -> list[Query]:
    """The queries that `judgements`, read from `qrels`, judge.

    Raises LabradorError where there are no judgements, and for one of any other query.
    """
    if not judgements:
        raise LabradorError(f"{qrels}: no judgements; at least one was expected; add some, or remove the file")
    qids = {judgement.qid for judgement in judgements}
    judged = [query for query in queries if query.qid in qids]
    known = {query.qid for query in judged}
    for judgement in judgements:
        if judgement.qid not in known:
            problem = f"a judgement for query {judgement.qid!r}, which is unknown"
            raise bad_line(qrels, judgement.line, f"{problem}; the id of a query in the queries file was expected")
    return judged


def _grade(path: Path, line: int, text: str) -> int:
    try:
        grade = int(text)
    except ValueError as error:
        raise bad_line(path, line, f"grade {text[:40]!r}; an integer was expected") from error
    if abs(grade) > LARGEST_GRADE:
        problem = f"grade {text[:40]!r}; an integer from -{LARGEST_GRADE} to {LARGEST_GRADE} was expected"
        raise bad_line(path, line, problem)
    return grade
