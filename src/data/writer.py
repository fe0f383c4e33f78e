"""Writing the schema: passages first, then each split's queries, judgements and hard negatives.

Every check that any source needs is made on the way, in one pass, with memory that hardly grows: record batches go to
disk as they fill, and of a passage's id, and then of its text, a hash of 8 bytes is kept. Passages are written in the
order of the keys of their ids (sorting.py), not in that of the file. A fault raises LabradorError with file and line.
"""

import json
import logging
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import LabradorError
from .columns import Columns
from .judgements import Judgement, Judgements
from .own import NONE, same_text
from .pids import PidIndex, pid_keys
from .raw import bad_line
from .schema import (
    BATCH_ROWS,
    PASSAGES,
    QUERIES,
    SPLITS,
    Fingerprint,
    Positive,
    ScoredBy,
    meta_file,
    negatives_file,
    passages_file,
    qrels_file,
    queries_file,
    same_ids_file,
    sample_file,
    source_rows_file,
    twins_file,
)
from .sorting import PassageSorter
from .twins import find_twins

log = logging.getLogger(__name__)


class Passage(NamedTuple):
    """A passage and the line it is from."""

    line: int
    pid: str
    title: str
    text: str


class Query(NamedTuple):
    """A query, the line it is from and, where the source has them, the answers."""

    line: int
    qid: str
    text: str
    answers: list[str] | None = None


class SchemaWriter:
    """Fills a folder with a corpus: `passages` once, then `split` for each split, then `finish`.

    `seed` decides the order of the passages, which is that of a seeded hash of their ids.
    """

    def __init__(self, folder: Path, scored_by: ScoredBy, positive: Positive = "any", seed: int = 0) -> None:
        self.folder, self._seed = folder, seed
        self._meta: dict[str, Any] = {"scored_by": scored_by, "splits": [], "passages": 0, "queries": {}}
        self._meta["positive"] = positive
        self._fingerprints: dict[str, str] = {}
        self._index: PidIndex | None = None

    def passages(self, path: Path, passages: Iterable[Passage], source_rows: NDArray[np.uint32] | None = None) -> None:
        """Write the passages of the raw file `path` in the order of their keys.

        source_rows [N]: which passage of the source each of them is, where that is not its own number.
        Raises LabradorError for an id that is empty, duplicate or not one word, an empty passage (title and text both
        blank) and an empty corpus.
        """
        lines = array("I")
        sorter = PassageSorter(self.folder)
        rows = iter(passages)
        while some := list(islice(rows, BATCH_ROWS)):
            for line, pid, title, text in some:
                _check_id(path, line, "passage", pid)
                if not text.strip() and not title.strip():
                    raise bad_line(path, line, f"passage {pid!r} has an empty text; text was expected")
                lines.append(line)
            sorter.add(_record_batch(path, PASSAGES, some), pid_keys([passage.pid for passage in some], self._seed))
        if not lines:
            raise LabradorError(f"{path}: an empty corpus; at least one passage was expected")
        self._write_batches("passages", passages_file(self.folder), PASSAGES, sorter.batches(BATCH_ROWS))
        columns = Columns(passages_file(self.folder))
        self._index = PidIndex(sorter.keys, lambda rows: columns.take(rows, ("pid",))[0], self._seed)
        row = self._index.first_repeated(sorter.places)
        if row is not None:
            (pid,) = columns.take([row], ("pid",))[0]
            taken = f"passage id {pid!r} is a duplicate of line {lines[sorter.places[row - 1]]}'s"
            raise bad_line(path, lines[sorter.places[row]], f"{taken}; every passage needs its own id")
        places = sorter.places if source_rows is None else source_rows[sorter.places]
        np.save(source_rows_file(self.folder), places, allow_pickle=False)
        self._meta["passages"] = len(lines)
        twins, sample = find_twins(columns)
        twins.save(twins_file(self.folder))
        np.save(sample_file(self.folder), sample, allow_pickle=False)
        shared = f", {len(twins.rows):,} of which share their text with others" if len(twins.rows) else ""
        log.info("%s: %s passages%s", path.name, f"{len(lines):,}", shared)

    def judgements(self, path: Path, judgements: Iterable[Judgement] = ()) -> Judgements:
        """Take judgements (or hard negatives, whose grade is not looked at) of the raw file `path` for `split`."""
        if self._index is None:
            raise RuntimeError("passages come before judgements")
        taken = Judgements(path, self._index)
        taken.extend(judgements)
        return taken

    def split(
        self,
        split: str,
        path: Path,
        queries: Iterable[Query],
        judgements: Judgements | None,
        hard_negatives: Judgements | None = None,
    ) -> None:
        """Write a split: its queries, which the raw file `path` holds, its judgements and its hard negatives.

        Raises LabradorError for a query id that is empty, duplicate or not one word, an empty query, a judgement for an
        unknown query or passage, a passage judged twice with different grades, and a train query without a positive. A
        hard negative that is a positive of its query is left out.
        """
        lines = self._write_queries(split, path, queries)
        rows = {qid: row for row, qid in enumerate(lines)}
        qrels = np.empty((3, 0), dtype=np.int64) if judgements is None else judgements.qrels(rows)
        if split == "train":
            _need_positives(path, qrels, lines)
        self._write_array(f"qrels-{split}", qrels_file(self.folder, split), qrels)
        self._write_same_ids(split, list(rows))
        if hard_negatives is not None:
            negatives = hard_negatives.negatives(rows, qrels)
            self._write_array(f"negatives-{split}", negatives_file(self.folder, split), negatives)
        self._meta["splits"].append(split)
        self._meta["queries"][split] = len(rows)
        log.info("%s: %s queries, %s judgements", split, f"{len(rows):,}", f"{qrels.shape[1]:,}")

    def finish(self) -> None:
        """Write the description of the folder; nothing can be read from it before."""
        self._meta["splits"].sort(key=SPLITS.index)
        meta = {**self._meta, "fingerprints": self._fingerprints}
        meta_file(self.folder).write_text(json.dumps(meta, indent=1, sort_keys=True))

    def _write_queries(self, split: str, path: Path, queries: Iterable[Query]) -> dict[str, int]:
        """Write the queries; returns the line of each by its id, in row order."""
        lines: dict[str, int] = {}

        def checked() -> Iterator[Query]:
            for query in queries:
                _check_id(path, query.line, "query", query.qid)
                if not query.text.strip():
                    raise bad_line(path, query.line, f"query {query.qid!r} has an empty text; text was expected")
                if query.qid in lines:
                    taken = f"query id {query.qid!r} is a duplicate of line {lines[query.qid]}'s"
                    raise bad_line(path, query.line, f"{taken}; every query needs its own id")
                lines[query.qid] = query.line
                yield query

        rows = checked()
        batches = (_record_batch(path, QUERIES, some) for some in iter(lambda: list(islice(rows, BATCH_ROWS)), []))
        self._write_batches(f"queries-{split}", queries_file(self.folder, split), QUERIES, batches)
        if not lines:
            raise LabradorError(f"{path}: no queries for {split}; at least one was expected")
        return lines

    def _write_same_ids(self, split: str, qids: list[str]) -> None:
        """Write which passage has the id of each query, and whether it has its text."""
        if self._index is None:
            raise RuntimeError("passages come before queries")
        same = np.stack([self._index.rows(qids), np.zeros(len(qids), dtype=np.int64)])
        found = np.flatnonzero(same[0] != NONE)
        passages, queries = Columns(passages_file(self.folder)), Columns(queries_file(self.folder, split))
        for start in range(0, len(found), BATCH_ROWS):
            some = found[start : start + BATCH_ROWS]
            titles, texts = passages.take(same[0, some], ("title", "text"))
            (questions,) = queries.take(some, ("text",))
            same[1, some] = [
                same_text((title, text), question)
                for title, text, question in zip(titles, texts, questions, strict=True)
            ]
        np.save(same_ids_file(self.folder, split), same, allow_pickle=False)

    def _write_batches(self, part: str, out: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Stream record batches, of BATCH_ROWS rows but for the last one, to an Arrow file."""
        fingerprint = Fingerprint()
        with pa.OSFile(str(out), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                fingerprint.add_batch(batch)
                writer.write_batch(batch)
        self._fingerprints[part] = fingerprint.hexdigest()

    def _write_array(self, part: str, out: Path, values: NDArray[np.int64]) -> None:
        fingerprint = Fingerprint()
        fingerprint.add_array(values)
        np.save(out, values)
        self._fingerprints[part] = fingerprint.hexdigest()


def _record_batch(path: Path, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows (line, then the schema's columns) as a record batch; raises LabradorError for half a surrogate pair."""
    _, *columns = zip(*rows, strict=True)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except UnicodeEncodeError:
        for line, *values in rows:
            text = "".join(value if isinstance(value, str) else "".join(value or ()) for value in values)
            if any("\ud800" <= mark <= "\udfff" for mark in text):
                raise bad_line(path, line, "half a surrogate pair is no character; UTF-8 text was expected") from None
        raise
    return pa.record_batch(arrays, schema)


def _need_positives(path: Path, qrels: NDArray[np.int64], lines: dict[str, int]) -> None:
    """Raise LabradorError for the first query, of those whose `lines` are given, that has no positive in `qrels`."""
    lacking = np.ones(len(lines), dtype=bool)
    lacking[qrels[0, qrels[2] > 0]] = False
    if lacking.any():
        qid = list(lines)[int(np.argmax(lacking))]
        raise bad_line(
            path,
            lines[qid],
            f"train query {qid!r} has no positive passage ({lacking.sum():,} such); "
            "a judgement with a grade above 0 was expected for every train query",
        )


def _check_id(path: Path, line: int, what: str, name: str) -> None:
    """Raise LabradorError unless an id is one word: run files part their fields by white space."""
    if not name.strip():
        raise bad_line(path, line, f"the {what} id is empty; every {what} needs its own id")
    if name.split() != [name]:
        raise bad_line(path, line, f"{what} id {name!r} holds white space; one word was expected; replace it")
