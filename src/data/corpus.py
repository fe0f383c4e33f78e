"""Reading a converted corpus: passages, the splits' queries and judgements, all memory-mapped."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import LabradorError
from .columns import Columns
from .ragged import Ragged
from .schema import Positive, ScoredBy, meta_file, negatives_file, passages_file, qrels_file, queries_file


class Passages:
    """The passages of a corpus, by row."""

    def __init__(self, folder: Path) -> None:
        self._columns = Columns(passages_file(folder))

    def __len__(self) -> int:
        return len(self._columns)

    def pids(self, rows: ArrayLike) -> list[str]:
        """The ids of `rows` [R]."""
        return self._columns.take(rows, ("pid",))[0]

    def read(self, rows: ArrayLike) -> list[tuple[str, str]]:
        """The (title, text) of `rows` [R], in their order."""
        titles, texts = self._columns.take(rows, ("title", "text"))
        return list(zip(titles, texts, strict=True))

    def batches(self, size: int) -> Iterator[list[tuple[str, str]]]:
        """Every (title, text) in row order, `size` at a time (the last batch may be shorter), in bounded memory."""
        pending: list[tuple[str, str]] = []
        for titles, texts in self._columns.scan(("title", "text")):
            pending.extend(zip(titles, texts, strict=True))
            whole = len(pending) - len(pending) % size
            for start in range(0, whole, size):
                yield pending[start : start + size]
            del pending[:whole]
        if pending:
            yield pending


@dataclass(frozen=True)
class Queries:
    """The queries of one split, held in memory: ids and texts [Q], answers [Q] or None where the source has none."""

    qids: list[str]
    texts: list[str]
    answers: list[list[str]] | None

    @classmethod
    def read(cls, folder: Path, split: str) -> "Queries":
        """The queries of a split of a converted folder."""
        columns = Columns(queries_file(folder, split))
        qids, texts, answers = columns.take(np.arange(len(columns)), ("qid", "text", "answers"))
        return cls(qids, texts, None if None in answers else answers)

    def __len__(self) -> int:
        return len(self.qids)


class Corpus:
    """A converted corpus: one folder in the schema of schema.py.

    `question` makes of a question's text what stands in the splits, as the source does (`Source.question`).
    """

    def __init__(self, folder: Path, question: Callable[[str], str] = str) -> None:
        self.folder, self.question = folder, question
        self.meta: dict[str, Any] = json.loads(meta_file(folder).read_text())
        self.passages = Passages(folder)
        self._queries: dict[str, Queries] = {}

    @property
    def key(self) -> str:
        """The key of the artifact this corpus lies in."""
        return self.folder.name

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have queries, in the order train, dev, test."""
        return tuple(self.meta["splits"])

    @property
    def scored_by(self) -> ScoredBy:
        """Whether rankings are scored by judgements or by answer match."""
        return self.meta["scored_by"]

    @property
    def positive(self) -> Positive:
        """Which of a train question's positives is trained on, where nothing else is asked for."""
        return self.meta["positive"]

    def fingerprint(self, part: str) -> str:
        """The content hash of "passages", or of queries, qrels or negatives of a split ("queries-train").

        A part that this corpus does not have (no hard negatives, say) has the fingerprint "none".
        """
        return self.meta["fingerprints"].get(part, "none")

    def queries(self, split: str) -> Queries:
        """The queries of a split; raises LabradorError for a split that is not there."""
        self._check(split)
        if split not in self._queries:
            self._queries[split] = Queries.read(self.folder, split)
        return self._queries[split]

    def qrels(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The judgements of a split: query rows, passage rows and grades, each [J].

        Raises LabradorError for a split that is not there.
        """
        self._check(split)
        query_rows, passage_rows, grades = np.load(qrels_file(self.folder, split), mmap_mode="r")
        return query_rows, passage_rows, grades

    def positives(self, split: str) -> Ragged:
        """The passages with a grade above 0 of each query of a split, in the source's order; raises as `qrels`."""
        query_rows, passage_rows, grades = self.qrels(split)
        relevant = grades > 0
        return Ragged.from_pairs(query_rows[relevant], passage_rows[relevant], self._query_count(split))

    def relevant(self, split: str) -> Ragged:
        """The passages that are never negatives of each query of a split: its positives, if nothing else is known."""
        return self.positives(split)

    def hard_negatives(self, split: str) -> Ragged | None:
        """The hard negatives the source brings for each query, in its order; None where it brings none."""
        self._check(split)
        path = negatives_file(self.folder, split)
        if not path.exists():
            return None
        query_rows, passage_rows = np.load(path, mmap_mode="r")
        return Ragged.from_pairs(query_rows, passage_rows, self._query_count(split))

    def _query_count(self, split: str) -> int:
        return int(self.meta["queries"][split])

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise LabradorError(
                f"{split}: this corpus has no such split; it has {', '.join(self.splits)} "
                "(choose one, or add the missing queries and judgements to the source)"
            )
