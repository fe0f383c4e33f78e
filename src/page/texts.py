"""The texts of a comparison, from the corpora in the store: queries, judgements, titles and passages.

The only part of a report that reads more than result rows, because a page shows passages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import LabradorError
from ..report.systems import System

if TYPE_CHECKING:
    from ..data.corpus import Corpus

CORPORA = ("subset", "data")  # steps whose artifacts are a corpus; a subset is the part of its data that a run used
META = "meta.json"  # written last, so a folder without it is not a corpus
BATCH = 65_536  # ids at a time


@dataclass(frozen=True)
class Query:
    """A query, its answers if the data has them, and the grades of its judged passages."""

    text: str
    answers: tuple[str, ...]
    grades: Mapping[str, int]  # pid -> grade


@dataclass(frozen=True)
class Passage:
    """A passage's title and text."""

    title: str
    text: str


class Texts:
    """The corpora of one group of systems, searched in turn: different seeds may have drawn different passages."""

    def __init__(self, corpora: Sequence["Corpus"]) -> None:
        self._corpora = corpora

    def __bool__(self) -> bool:
        return bool(self._corpora)

    @property
    def judged(self) -> bool:
        """Whether rankings are scored by judgements, and not by answers found in passages."""
        return any(corpus.scored_by == "qrels" for corpus in self._corpora)

    def queries(self, qids: Sequence[str]) -> dict[str, Query]:
        """The known queries by id, with the judgements of all corpora together."""
        found: dict[str, Query] = {}
        for corpus in self._corpora:
            split = _split_of(corpus, qids)
            if split is None:
                continue
            queries = corpus.queries(split)
            wanted = set(qids)
            rows = [row for row, qid in enumerate(queries.qids) if qid in wanted]
            grades = self._grades(corpus, split)
            for row in rows:
                qid = queries.qids[row]
                known = found.get(qid)
                answers = () if queries.answers is None else tuple(queries.answers[row])
                more = {**grades.get(row, {}), **(known.grades if known else {})}
                found[qid] = Query(queries.texts[row], answers, more)
        return found

    def _grades(self, corpus: "Corpus", split: str) -> dict[int, dict[str, int]]:
        """The grades of the judged passages by row of the query; empty if rankings are scored by answers."""
        if corpus.scored_by != "qrels":
            return {}
        query_rows, passage_rows, values = corpus.qrels(split)
        grades: dict[int, dict[str, int]] = {}
        pids = corpus.passages.pids(passage_rows)
        for row, pid, grade in zip(query_rows.tolist(), pids, values.tolist(), strict=True):
            grades.setdefault(row, {})[pid] = grade
        return grades

    def passages(self, pids: Iterable[str]) -> dict[str, Passage]:
        """The known passages by id; each corpus is searched once, until none is missing."""
        missing = set(pids)
        found: dict[str, Passage] = {}
        for corpus in self._corpora:
            for start in range(0, len(corpus.passages), BATCH):
                if not missing:
                    return found
                rows = np.arange(start, min(start + BATCH, len(corpus.passages)))
                there = [
                    (row, pid) for row, pid in zip(rows, corpus.passages.pids(rows), strict=True) if pid in missing
                ]
                read = corpus.passages.read([row for row, _ in there])
                found |= {pid: Passage(*texts) for (_, pid), texts in zip(there, read, strict=True)}
                missing -= {pid for _, pid in there}
        return found


def open_texts(systems: Sequence[System], store: Path) -> Texts:
    """The corpora of the shown runs (each system's first), as far as they are in `store`.

    Raises LabradorError for a corpus that cannot be read.
    """
    from ..data.corpus import Corpus  # a report without a page reads no corpus

    folders = dict.fromkeys(folder for system in systems if (folder := _folder(system, store)) is not None)
    try:
        return Texts([Corpus(folder) for folder in folders])
    except (OSError, ValueError) as error:
        raise LabradorError(
            f"{store}: a corpus in it cannot be read ({error}); check it with python -m labrador.store verify"
        ) from error


def _folder(system: System, store: Path) -> Path | None:
    """The corpus of a system's first run; None if it is not in the store."""
    keys = system.rows[0].keys
    named = (store / step / keys[step] for step in CORPORA if step in keys)
    return next((folder for folder in named if (folder / META).exists()), None)


def _split_of(corpus: "Corpus", qids: Sequence[str]) -> str | None:
    """The split with the most queries of these ids; None if no split has any."""
    wanted = set(qids)
    counts = {split: len(wanted.intersection(corpus.queries(split).qids)) for split in corpus.splits}
    best = max(counts, key=lambda split: counts[split], default=None)
    return best if best is not None and counts[best] else None
