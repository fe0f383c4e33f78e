"""A converted corpus, opened: its passages and the queries and judgements of its splits, memory-mapped."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.npy import open_array
from ..arrays.ragged import Ragged
from ..errors import LabradorError
from .arrow_files import Columns
from .duplicates import Duplicates
from .exclude_self import NONE, ExcludeSelf, SameIds, own_passages
from .languages import AUTO, TokenizerName
from .schema import (
    DUPLICATES_FILE,
    META_FILE,
    PASSAGES_FILE,
    SAMPLE_FILE,
    SOURCE_ROWS_FILE,
    Fingerprint,
    Positive,
    ScoredBy,
    split_file,
)

DATA, SUBSET = "data", "subset"  # steps whose artifacts are corpora; a subset is the part of its data that a run uses


class Passages:
    """The passages of a corpus, by row."""

    def __init__(self, folder: Path) -> None:
        self._columns = Columns(folder / PASSAGES_FILE)

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
    """The queries of one split, in memory: ids and texts [Q], answers [Q] or None if the source has none."""

    qids: list[str]
    texts: list[str]
    answers: list[list[str]] | None

    @classmethod
    def read(cls, folder: Path, split: str) -> "Queries":
        """The queries of a split of a converted folder."""
        columns = Columns(split_file(folder, "queries", split))
        qids, texts, answers = columns.take(np.arange(len(columns)), ("qid", "text", "answers"))
        return cls(qids, texts, None if None in answers else answers)

    def __len__(self) -> int:
        return len(self.qids)


@dataclass(frozen=True)
class Handling:
    """How a run uses a corpus: settings of the source that do not affect the conversion.

    question: rewrites the text of a question as the source writes its own (`Source.question`); exclude_self: whether a
    query's own passage is left out (exclude_self.py); language, tokenizer: how BM25 makes terms of texts; scored: the
    split that the run is scored on.
    """

    question: Callable[[str], str] = str
    exclude_self: ExcludeSelf = "auto"
    language: str = AUTO
    tokenizer: TokenizerName = "auto"
    scored: str = "test"


class Corpus:
    """A converted corpus: one folder in the schema of schema.py."""

    def __init__(self, folder: Path, handling: Handling | None = None) -> None:
        self.folder, self.handling = folder, handling or Handling()
        self.meta: dict[str, Any] = json.loads((folder / META_FILE).read_text())
        self.passages = Passages(folder)
        self._queries: dict[str, Queries] = {}
        self._spared: dict[str, Ragged] = {}

    @property
    def question(self) -> Callable[[str], str]:
        """Rewrites the text of a question as the source writes its own."""
        return self.handling.question

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
        scored_by: ScoredBy = self.meta["scored_by"]
        return scored_by

    @property
    def positive(self) -> Positive:
        """Which of a train query's positives is trained on by default."""
        positive: Positive = self.meta["positive"]
        return positive

    def fingerprint(self, part: str) -> str:
        """The content hash of "passages" or of a part of a split: "queries-train", qrels, negatives, spared, own.

        A part that this corpus lacks (hard negatives, say) has the fingerprint "none".
        """
        kind, _, split = part.partition("-")
        if kind in ("spared", "own"):
            spared, own = self.spared(split), self.own(split)
            arrays = [spared.values, spared.offsets] if kind == "spared" else [] if own is None else [own]
            digest = Fingerprint()
            for array in arrays:
                digest.add_array(array)
            return digest.hexdigest() if arrays else "none"
        known: str = self.meta["fingerprints"].get(part, "none")
        return known

    def digest(self, *parts: str) -> str:
        """One hash of several parts (see `fingerprint`) and of how rankings are scored, 20 hex digits."""
        content = {part: self.fingerprint(part) for part in parts} | {"scored_by": self.scored_by}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]

    def source_rows(self) -> NDArray[np.uint32]:
        """The position of each passage in the source, from 0: [N]."""
        return open_array(self.folder / SOURCE_ROWS_FILE)

    def queries(self, split: str) -> Queries:
        """The queries of a split; raises LabradorError if the corpus has no such split."""
        self._check(split)
        if split not in self._queries:
            self._queries[split] = Queries.read(self.folder, split)
        return self._queries[split]

    def qrels(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The judgements of a split: query rows, passage rows and grades, each [J], by query in the source's order.

        Raises LabradorError if the corpus has no such split.
        """
        self._check(split)
        query_rows, passage_rows, grades = open_array(split_file(self.folder, "qrels", split))
        return query_rows, passage_rows, grades

    def judgements(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """All judgements of a split: `qrels`, then those of passages that the corpus lacks, with rows below 0.

        The latter count in recall and in the ideal ranking of nDCG.
        """
        known, path = np.stack(self.qrels(split)), split_file(self.folder, "unreachable", split)
        both = np.concatenate([known, np.load(path)], axis=1) if path.exists() else known
        return both[0], both[1], both[2]

    def positives(self, split: str) -> Ragged:
        """The passages with a grade above 0 of each query of a split, in the source's order; raises as `qrels`."""
        query_rows, passage_rows, grades = self.qrels(split)
        relevant = grades > 0
        return Ragged.from_pairs(query_rows[relevant], passage_rows[relevant], self._query_count(split))

    def spared(self, split: str) -> Ragged:
        """The passages that are never negatives of each query of a split, ascending: its positives, their duplicates
        (duplicates.py), and the passage that the query itself is (exclude_self.py).
        """
        if split not in self._spared:
            self._spared[split] = self.never_negatives(self.positives(split), self.own(split))
        return self._spared[split]

    def never_negatives(self, positives: Ragged, own: NDArray[np.int64] | None) -> Ragged:
        """What is `spared` of queries with these positives, which are the passages `own` themselves."""
        size = len(self.passages)
        keys = [np.repeat(np.arange(len(positives)), positives.lengths) * size + positives.values]
        queries, passages = self.duplicates.of(positives)
        keys.append(queries * size + passages)
        if own is not None:
            found = np.flatnonzero(own != NONE)
            keys.append(found * size + own[found])
        queries, passages = np.divmod(np.unique(np.concatenate(keys)), size)
        return Ragged.from_pairs(queries, passages, len(positives))

    @cached_property
    def duplicates(self) -> Duplicates:
        """The passages that share their text with others."""
        return Duplicates.load(self.folder / DUPLICATES_FILE)

    def sample(self) -> list[tuple[str, str]]:
        """The (title, text) of a random sample of the passages."""
        return self.passages.read(np.load(self.folder / SAMPLE_FILE))

    def own(self, split: str) -> NDArray[np.int64] | None:
        """The passage [Q] that each query of a split itself is, left out of its rankings; -1: none.

        None if no query of the split is a passage.
        """
        self._check(split)
        own = self._own[split]
        return own if (own != NONE).any() else None

    @cached_property
    def _own(self) -> dict[str, NDArray[np.int64]]:
        return own_passages(self.same_ids, self.handling.exclude_self)

    @cached_property
    def same_ids(self) -> dict[str, SameIds]:
        """The passages that have the id of a query, by split."""
        found = {}
        for split in self.meta["splits"]:
            rows, same_text = np.load(split_file(self.folder, "same-ids", split))
            query_rows, passage_rows, grades = open_array(split_file(self.folder, "qrels", split))
            relevant = np.zeros(len(rows), dtype=np.bool_)
            relevant[query_rows[(grades > 0) & (rows[query_rows] == passage_rows)]] = True
            found[split] = SameIds(rows, same_text.astype(np.bool_), relevant)
        return found

    def hard_negatives(self, split: str) -> Ragged | None:
        """The `listed_negatives` without the `spared` passages."""
        listed = self.listed_negatives(split)
        return None if listed is None else listed.without(self.spared(split))

    def listed_negatives(self, split: str) -> Ragged | None:
        """The hard negatives that the source lists for each query, in its order; None if it lists none."""
        self._check(split)
        path = split_file(self.folder, "negatives", split)
        if not path.exists():
            return None
        query_rows, passage_rows = open_array(path)
        return Ragged.from_pairs(query_rows, passage_rows, self._query_count(split))

    def _query_count(self, split: str) -> int:
        return int(self.meta["queries"][split])

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise LabradorError(
                f"split {split}: expected one that this corpus has ({', '.join(self.splits)}); choose one of those, or "
                "add the missing queries and judgements to the source"
            )
