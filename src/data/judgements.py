"""Judgements and hard negatives on their way into the schema: ids come in, rows are kept."""

from array import array
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .passage_ids import PidIndex
from .raw_files import bad_line

LOOKED_UP_TOGETHER = 1 << 16
ROW_BITS = 32  # a passage row fits in these
LARGEST_GRADE = 2**63 - 1  # and the smallest is its negative: what the schema's integers hold


class Judgement(NamedTuple):
    """A graded passage of a query (relevant above 0) and its line in the raw file."""

    line: int
    qid: str
    pid: str
    grade: int


class Judgements:
    """The judgements of the raw file `path`, held as rows: about 32 bytes each."""

    def __init__(self, path: Path, index: PidIndex) -> None:
        self.path = path
        self._index = index
        self._pending: list[Judgement] = []
        self._qids: list[str] = []
        self._columns = (array("q"), array("q"), array("q"))  # passage row, grade, line
        self._unknown: dict[str, int] = {}  # passages that the corpus lacks, numbered -1, -2, ...
        self._lacking = 0  # judgements that name one

    def extend(self, judgements: Iterable[Judgement]) -> None:
        """Add judgements; passages that the corpus lacks get rows below 0."""
        for judgement in judgements:
            self._pending.append(judgement)
            if len(self._pending) == LOOKED_UP_TOGETHER:
                self._look_up()

    def _look_up(self) -> None:
        rows = self._index.rows([judgement.pid for judgement in self._pending]).tolist()
        for judgement, row in zip(self._pending, rows, strict=True):
            if row < 0:
                row = self._unknown.setdefault(judgement.pid, -1 - len(self._unknown))
                self._lacking += 1
            self._qids.append(judgement.qid)
            for column, value in zip(self._columns, (row, judgement.grade, judgement.line), strict=True):
                column.append(value)
        self._pending.clear()

    def absent(self, row: int) -> str:
        """The id of the missing passage with that row, below 0."""
        return list(self._unknown)[-1 - row]

    @property
    def lacking(self) -> tuple[int, str]:
        """The number of judgements of passages that the corpus lacks, and the id of the first such passage."""
        return self._lacking, next(iter(self._unknown), "")

    def all_unreachable(self) -> LabradorError:
        """The error for judgements of which none names a passage of the corpus."""
        pid, line = self.lacking[1], int(self._columns[2][0])
        problem = f"passage {pid!r}, like all judged ones, is not in the corpus; expected the ids of its passages"
        return bad_line(self.path, line, f"{problem}; put the corpus and its judgements together")

    def with_positives(self) -> set[str]:
        """The ids of the queries with a positive in the corpus."""
        self._look_up()
        passage_rows, grades, _ = self._columns
        judged = zip(self._qids, passage_rows, grades, strict=True)
        return {qid for qid, row, grade in judged if row >= 0 and grade > 0}

    def _of(self, query_rows: dict[str, int]) -> tuple[NDArray[np.int64], ...]:
        """Query rows (-1: unknown), passage rows, grades and lines, each [J], in the order added."""
        self._look_up()
        passage_rows, grades, lines = (np.array(column, dtype=np.int64) for column in self._columns)
        rows = np.fromiter((query_rows.get(qid, -1) for qid in self._qids), dtype=np.int64, count=len(self._qids))
        return rows, passage_rows, grades, lines

    def qrels(
        self, query_rows: dict[str, int], left_out: Collection[str] = ()
    ) -> tuple[NDArray[np.int64], dict[str, None]]:
        """Query rows, passage rows and grades [3, J] by query, in the order added, each pair at its first place.

        Passages that the corpus lacks have rows below 0. `query_rows` gives the row of each query id; the ids that
        neither it nor `left_out` has are returned, too.
        Raises LabradorError with the line if a pair is judged twice with different grades.
        """
        rows, passage_rows, grades, lines = self._of(query_rows)
        absent = (self._qids[at] for at in np.flatnonzero(rows < 0).tolist())
        unknown = dict.fromkeys(qid for qid in absent if qid not in left_out)
        rows, passage_rows, grades, lines = (column[rows >= 0] for column in (rows, passage_rows, grades, lines))
        order = np.lexsort((lines, passage_rows, rows))
        qrels, lines = np.stack([rows, passage_rows, grades])[:, order], lines[order]
        if qrels.shape[1] == 0:
            return qrels, unknown
        same = (qrels[:2, 1:] == qrels[:2, :-1]).all(axis=0)
        differ = np.flatnonzero(same & (qrels[2, 1:] != qrels[2, :-1]))
        if len(differ):
            first = differ[np.argmin(lines[differ + 1])]
            qid = list(query_rows)[qrels[0, first]]
            grades_found = f"grade {qrels[2, first + 1]} here and {qrels[2, first]} on line {lines[first]}"
            problem = f"a passage is judged again for query {qid!r}: {grades_found}"
            raise bad_line(self.path, int(lines[first + 1]), f"{problem}; expected one grade; remove a line")
        firsts = np.sort(order[np.concatenate([[True], ~same])])  # positions among the added
        kept = np.stack([rows, passage_rows, grades])[:, firsts]
        return kept[:, np.argsort(kept[0], kind="stable")], unknown

    def negatives(self, query_rows: dict[str, int], qrels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Query rows and passage rows [2, H] by query, in the order added, each once, without positives in `qrels`.

        Those of unknown queries and passages are left out.
        """
        rows, passage_rows, _, _ = self._of(query_rows)
        there = (rows >= 0) & (passage_rows >= 0)
        rows, passage_rows = rows[there], passage_rows[there]
        pairs = (rows << ROW_BITS) + passage_rows
        relevant = qrels[:2, qrels[2] > 0]
        keep = np.zeros(len(pairs), dtype=bool)
        keep[np.unique(pairs, return_index=True)[1]] = True
        keep &= ~np.isin(pairs, (relevant[0] << ROW_BITS) + relevant[1])
        kept = np.stack([rows, passage_rows])[:, keep]
        return kept[:, np.argsort(kept[0], kind="stable")]
