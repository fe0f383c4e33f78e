"""Reading a converted corpus: passages, the splits' queries and judgements, all memory-mapped."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import LabradorError
from .arrow_files import Columns
from .duplicates import Duplicates
from .exclude_self import NONE, ExcludeSelf, SameIds, own_passages
from .languages import AUTO, TokenizerName
from .schema import (
    Fingerprint,
    Positive,
    ScoredBy,
    duplicates_file,
    meta_file,
    negatives_file,
    passages_file,
    qrels_file,
    queries_file,
    same_ids_file,
    sample_file,
    source_rows_file,
    unreachable_file,
)


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


@dataclass(frozen=True)
class Handling:
    """How a run deals with a corpus, whatever is converted.

    question: makes of a question's text what stands in the splits, as the source does (`Source.question`);
    exclude_self: whether the passage that a query itself is counts as a result (exclude_self.py);
    language, tokenizer: how BM25 makes terms of texts; scored: the split whose queries the run is scored on.
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
        self.meta: dict[str, Any] = json.loads(meta_file(folder).read_text())
        self.passages = Passages(folder)
        self._queries: dict[str, Queries] = {}
        self._spared: dict[str, Ragged] = {}

    @property
    def question(self) -> Callable[[str], str]:
        """What makes of a question's text what stands in the splits."""
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
        return self.meta["scored_by"]

    @property
    def positive(self) -> Positive:
        """Which of a train question's positives is trained on, where nothing else is asked for."""
        return self.meta["positive"]

    def fingerprint(self, part: str) -> str:
        """The content hash of "passages", or of queries, qrels or negatives of a split ("queries-train").

        "spared-train" and "own-train" are of what `spared` and `own` give. A part that this corpus does not have (no
        hard negatives, say) has the fingerprint "none".
        """
        kind, _, split = part.partition("-")
        if kind in ("spared", "own"):
            spared, own = self.spared(split), self.own(split)
            arrays = [spared.values, spared.offsets] if kind == "spared" else [] if own is None else [own]
            digest = Fingerprint()
            for array in arrays:
                digest.add_array(array)
            return digest.hexdigest() if arrays else "none"
        return self.meta["fingerprints"].get(part, "none")

    def digest(self, *parts: str) -> str:
        """One hash of what several parts (see `fingerprint`) hold and of how rankings are scored, 20 hex digits."""
        content = {part: self.fingerprint(part) for part in parts} | {"scored_by": self.scored_by}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]

    def source_rows(self) -> NDArray[np.uint32]:
        """Which passage of the source, from 0, each row is: [N], memory-mapped."""
        places: NDArray[np.uint32] = np.load(source_rows_file(self.folder), mmap_mode="r", allow_pickle=False)
        return places

    def queries(self, split: str) -> Queries:
        """The queries of a split; raises LabradorError for a split that is not there."""
        self._check(split)
        if split not in self._queries:
            self._queries[split] = Queries.read(self.folder, split)
        return self._queries[split]

    def qrels(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The judgements of a split: query rows, passage rows and grades, each [J], by query in the source's order.

        Raises LabradorError for a split that is not there.
        """
        self._check(split)
        query_rows, passage_rows, grades = np.load(qrels_file(self.folder, split), mmap_mode="r")
        return query_rows, passage_rows, grades

    def judgements(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """All judgements of a split: `qrels` and, with rows below 0, those of passages that the corpus does not have,
        which count in recall and in the best possible ranking.
        """
        known, path = np.stack(self.qrels(split)), unreachable_file(self.folder, split)
        both = np.concatenate([known, np.load(path, allow_pickle=False)], axis=1) if path.exists() else known
        return both[0], both[1], both[2]

    def positives(self, split: str) -> Ragged:
        """The passages with a grade above 0 of each query of a split, in the source's order; raises as `qrels`."""
        query_rows, passage_rows, grades = self.qrels(split)
        relevant = grades > 0
        return Ragged.from_pairs(query_rows[relevant], passage_rows[relevant], self._query_count(split))

    def spared(self, split: str) -> Ragged:
        """The passages that are never negatives of each query of a split: its positives, passages of the same text
        (duplicates.py), and the passage that is the query itself (exclude_self.py). Each once; rows rise.
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
        """The passages that share their text with another."""
        return Duplicates.load(duplicates_file(self.folder))

    def sample(self) -> list[tuple[str, str]]:
        """The (title, text) of some passages that stand for all."""
        return self.passages.read(np.load(sample_file(self.folder), allow_pickle=False))

    def own(self, split: str) -> NDArray[np.int64] | None:
        """The passage [Q] that each query of a split is itself, and that its rankings leave out; -1: none.

        None where no query of the split is a passage.
        """
        self._check(split)
        own = self._own[split]
        return own if (own != NONE).any() else None

    @cached_property
    def _own(self) -> dict[str, NDArray[np.int64]]:
        return own_passages(self.same_ids, self.handling.exclude_self)

    @cached_property
    def same_ids(self) -> dict[str, SameIds]:
        """Of each split, the passages that have a query's id."""
        found = {}
        for split in self.meta["splits"]:
            rows, same_text = np.load(same_ids_file(self.folder, split), allow_pickle=False)
            query_rows, passage_rows, grades = np.load(qrels_file(self.folder, split), mmap_mode="r")
            relevant = np.zeros(len(rows), dtype=np.bool_)
            relevant[query_rows[(grades > 0) & (rows[query_rows] == passage_rows)]] = True
            found[split] = SameIds(rows, same_text.astype(np.bool_), relevant)
        return found

    def hard_negatives(self, split: str) -> Ragged | None:
        """The `listed_negatives` without those that are `spared`."""
        listed = self.listed_negatives(split)
        return None if listed is None else listed.without(self.spared(split))

    def listed_negatives(self, split: str) -> Ragged | None:
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
