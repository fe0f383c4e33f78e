"""Writes the schema: passages first, then the queries, judgements and hard negatives of each split.

Every check that a source needs happens on the way, in one pass and in little memory: record batches go to disk as they
fill, and only an 8-byte hash of each passage's id and text is kept. A fault raises LabradorError with file and line.
"""

import json
import logging
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from ..store import Artifact
from .arrow_files import Columns, record_batch, write_batches
from .exclude_self import NONE, same_text
from .judgements import Judgement, Judgements
from .omissions import Counts, What, count
from .passage_ids import PidIndex
from .passages import Passage, open_index, read_meta, write_passages
from .raw_files import bad_line, check_id
from .schema import (
    BATCH_ROWS,
    META_FILE,
    PASSAGE_FILES,
    PASSAGES_FILE,
    QUERIES,
    SPLITS,
    Fingerprint,
    Positive,
    ScoredBy,
    SplitPart,
    split_file,
)
from .text_index import TextIndex

log = logging.getLogger(__name__)


class Query(NamedTuple):
    """A query, its line in the raw file and, if the source has them, its answers."""

    line: int
    qid: str
    text: str
    answers: list[str] | None = None


class SchemaWriter:
    """Fills a folder with a corpus: call `passages` once (or `share`), `split` for each split, then `finish`.

    `seed` decides the order of the passages, see passage_ids.py.
    """

    def __init__(self, folder: Path, scored_by: ScoredBy, positive: Positive = "any", seed: int = 0) -> None:
        self.folder, self._seed = folder, seed
        self._meta: dict[str, Any] = {"scored_by": scored_by, "positive": positive, "splits": [], "queries": {}}
        self._fingerprints: dict[str, str] = {}
        self._left_out: dict[str, Counts] = {}

    def passages(self, path: Path, passages: Iterable[Passage], source_rows: NDArray[np.uint32] | None = None) -> None:
        """Write the passages of the raw file `path`; see `write_passages`."""
        write_passages(self.folder, path, passages, self._seed, source_rows)
        self._describe_passages()

    def share(self, passages: Artifact) -> None:
        """Take the passages of an artifact: hard links to its large files where the disk can, else copies."""
        for name in PASSAGE_FILES:
            passages.place(name, self.folder)
        self._describe_passages()

    def omit(self, part: str, what: What, number: int, first: str) -> None:
        """Count what a split, or "queries", leaves out besides what the writer counts itself; `first` is an example."""
        count(self._left_out.setdefault(part, {}), what, number, first)

    def omit_as(self, left_out: dict[str, Counts]) -> None:
        """Count what another corpus left out, which this one is cut from, in place of what the cut leaves out."""
        self._left_out = left_out

    def _describe_passages(self) -> None:
        meta = read_meta(self.folder)
        self._meta["passages"], self._fingerprints["passages"] = meta["passages"], meta["fingerprint"]
        self._left_out["passages"] = meta["left_out"]

    @cached_property
    def _index(self) -> PidIndex:
        return open_index(self.folder, self._seed)

    @cached_property
    def _texts(self) -> TextIndex:
        return TextIndex(self.folder)

    def judgements(self, path: Path, judgements: Iterable[Judgement] = ()) -> Judgements:
        """Collect judgements, or hard negatives (any grade), of the raw file `path` for `split`."""
        taken = Judgements(path, self._index)
        taken.extend(judgements)
        return taken

    def named(self, title: str, text: str) -> list[str]:
        """The ids of the passages with that title and text, up to white space."""
        return self._texts.pids(title, text)

    def split(
        self,
        split: str,
        path: Path,
        queries: Iterable[Query],
        judgements: Judgements | None,
        hard_negatives: Judgements | None = None,
    ) -> None:
        """Write a split: the queries of the raw file `path`, their judgements and hard negatives.

        Left out are judgements of unknown queries, train queries without a positive in the corpus (all of train if
        none remains), and hard negatives that are unknown or positives of their query. Judgements of unknown passages
        are written to a file by themselves.
        Raises LabradorError for a query id that is empty, duplicate or holds white space, an empty query, a passage
        judged twice with different grades, and judgements of which none names a passage of the corpus.
        """
        counts = self._left_out.setdefault(split, {})
        learned = None if split != "train" or judgements is None else judgements.with_positives()
        lines, lacking = self._write_queries(split, path, queries, learned)
        count(counts, "without a positive", len(lacking), next(iter(lacking), ""))
        if not lines and not lacking:
            raise LabradorError(f"{path}: no queries for {split}; expected at least one")
        if not lines:
            split_file(self.folder, "queries", split).unlink()
            del self._fingerprints[f"queries-{split}"]
            return
        rows = {qid: row for row, qid in enumerate(lines)}
        qrels = self._write_qrels(split, judgements, rows, lacking)
        self._write_same_ids(split, list(rows))
        if hard_negatives is not None:
            negatives = hard_negatives.negatives(rows, qrels)
            count(counts, "unknown negatives", *hard_negatives.lacking)
            self._write_array("negatives", split, negatives)
        self._meta["splits"].append(split)
        self._meta["queries"][split] = len(rows)
        log.info("%s: %s queries, %s judgements", split, f"{len(rows):,}", f"{qrels.shape[1]:,}")

    def _write_qrels(
        self, split: str, judgements: Judgements | None, rows: dict[str, int], lacking: Collection[str]
    ) -> NDArray[np.int64]:
        """Write the judgements; returns those of passages that the corpus has, [3, J]."""
        qrels = np.empty((3, 0), dtype=np.int64)
        if judgements is not None:
            qrels, unknown = judgements.qrels(rows, lacking)
            count(self._left_out[split], "unknown queries", len(unknown), next(iter(unknown), ""))
        unreachable, qrels = qrels[:, qrels[1] < 0], qrels[:, qrels[1] >= 0]
        self._write_array("qrels", split, qrels, unreachable)
        if judgements is not None and unreachable.shape[1]:
            if not qrels.shape[1]:
                raise judgements.all_unreachable()
            first = judgements.absent(int(unreachable[1].max()))
            count(self._left_out[split], "unreachable", unreachable.shape[1], first)
            np.save(split_file(self.folder, "unreachable", split), unreachable)
        return qrels

    def finish(self) -> None:
        """Write the description of the folder, which makes it a corpus."""
        self._meta["splits"].sort(key=SPLITS.index)
        left_out = {part: counts for part, counts in self._left_out.items() if counts}
        meta = {**self._meta, "fingerprints": self._fingerprints, "left_out": left_out}
        (self.folder / META_FILE).write_text(json.dumps(meta, indent=1, sort_keys=True))

    def _write_queries(
        self, split: str, path: Path, queries: Iterable[Query], learned: Collection[str] | None
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Write the queries, or only those in `learned`; returns their lines by id in row order, and the others'."""
        lines: dict[str, int] = {}
        lacking: dict[str, int] = {}

        def checked() -> Iterator[Query]:
            for query in queries:
                check_id(path, query.line, "query", query.qid)
                if not query.text.strip():
                    raise bad_line(path, query.line, f"query {query.qid!r} has no text; expected one")
                earlier = lines.get(query.qid, lacking.get(query.qid))
                if earlier is not None:
                    taken = f"query id {query.qid!r} is already on line {earlier}"
                    raise bad_line(path, query.line, f"{taken}; expected one query an id; rename one")
                if learned is not None and query.qid not in learned:
                    lacking[query.qid] = query.line
                    continue
                lines[query.qid] = query.line
                yield query

        rows, out = checked(), split_file(self.folder, "queries", split)
        batches = (record_batch(path, QUERIES, some) for some in iter(lambda: list(islice(rows, BATCH_ROWS)), []))
        self._fingerprints[f"queries-{split}"] = write_batches(out, QUERIES, batches)
        return lines, lacking

    def _write_same_ids(self, split: str, qids: list[str]) -> None:
        """Write which passage has the id of each query, and whether it also has its text."""
        same = np.stack([self._index.rows(qids), np.zeros(len(qids), dtype=np.int64)])
        found = np.flatnonzero(same[0] != NONE)
        passages, queries = Columns(self.folder / PASSAGES_FILE), Columns(split_file(self.folder, "queries", split))
        for start in range(0, len(found), BATCH_ROWS):
            some = found[start : start + BATCH_ROWS]
            titles, texts = passages.take(same[0, some], ("title", "text"))
            (questions,) = queries.take(some, ("text",))
            same[1, some] = [
                same_text((title, text), question)
                for title, text, question in zip(titles, texts, questions, strict=True)
            ]
        np.save(split_file(self.folder, "same-ids", split), same)

    def _write_array(self, part: SplitPart, split: str, values: NDArray[np.int64], *more: NDArray[np.int64]) -> None:
        """Write an array; its fingerprint covers what is in `more`, too."""
        fingerprint = Fingerprint()
        for array in (values, *(array for array in more if array.size)):
            fingerprint.add_array(array)
        np.save(split_file(self.folder, part, split), values)
        self._fingerprints[f"{part}-{split}"] = fingerprint.hexdigest()
