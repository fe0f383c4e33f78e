"""The texts of a comparison, from the corpora in the store: questions, judgements, titles and passages.

The only part of a report that reads more than result rows: a page that shows passages needs their texts.
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

CORPORA = ("subset", "data")  # the artifacts that hold a corpus; a subset is what the run saw of its data
META = "meta.json"  # written last, so that a folder without it is none
BATCH = 65_536  # ids looked through at a time


@dataclass(frozen=True)
class Question:
    """A question, its answers where the data has them, and its judged passages with their grades."""

    text: str
    answers: tuple[str, ...]
    grades: Mapping[str, int]  # pid -> grade


@dataclass(frozen=True)
class Passage:
    """A passage's title and text."""

    title: str
    text: str


class Texts:
    """The corpora of one group of systems, looked through in turn: seeds may have drawn different passages."""

    def __init__(self, corpora: Sequence["Corpus"]) -> None:
        self._corpora = corpora

    def __bool__(self) -> bool:
        return bool(self._corpora)

    @property
    def judged(self) -> bool:
        """Whether rankings are scored by judgements of passages, and not by answers found in them."""
        return any(corpus.scored_by == "qrels" for corpus in self._corpora)

    def questions(self, qids: Sequence[str]) -> dict[str, Question]:
        """The questions that are known, by id; a question's judgements are those of all corpora together."""
        found: dict[str, Question] = {}
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
                found[qid] = Question(queries.texts[row], answers, more)
        return found

    def _grades(self, corpus: "Corpus", split: str) -> dict[int, dict[str, int]]:
        """The grades of each query row's judged passages; nothing where rankings are scored by answers."""
        if corpus.scored_by != "qrels":
            return {}
        query_rows, passage_rows, values = corpus.qrels(split)
        grades: dict[int, dict[str, int]] = {}
        pids = corpus.passages.pids(passage_rows)
        for row, pid, grade in zip(query_rows.tolist(), pids, values.tolist(), strict=True):
            grades.setdefault(row, {})[pid] = grade
        return grades

    def passages(self, pids: Iterable[str]) -> dict[str, Passage]:
        """The passages that are known, by id; every corpus is looked through once, as long as some are missing."""
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
    """The corpora that the shown runs (each system's first) stand on, as far as they are in `store`.

    Raises LabradorError for a corpus that is there but cannot be read.
    """
    from ..data.corpus import Corpus  # here, since a report without a page reads no corpus

    folders = dict.fromkeys(folder for system in systems if (folder := _folder(system, store)) is not None)
    try:
        return Texts([Corpus(folder) for folder in folders])
    except (OSError, ValueError) as error:
        raise LabradorError(
            f"{store}: a corpus there cannot be read ({error}); check it with python -m labrador.store verify"
        ) from error


def _folder(system: System, store: Path) -> Path | None:
    """The corpus that a system's first run stands on; None where it is not in the store."""
    keys = system.rows[0].keys
    named = (store / step / keys[step] for step in CORPORA if step in keys)
    return next((folder for folder in named if (folder / META).exists()), None)


def _split_of(corpus: "Corpus", qids: Sequence[str]) -> str | None:
    """The split whose questions have these ids; None where no split has one of them."""
    wanted = set(qids)
    counts = {split: len(wanted.intersection(corpus.queries(split).qids)) for split in corpus.splits}
    best = max(counts, key=lambda split: counts[split], default=None)
    return best if best is not None and counts[best] else None
