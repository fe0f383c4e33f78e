"""Judgements and hard negatives on their way into the schema: ids in, row numbers kept."""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pids import PidIndex
from .raw import bad_line

LOOKED_UP_TOGETHER = 1 << 16
ROW_BITS = 32  # a passage row fits in these
LARGEST_GRADE = 2**63 - 1  # and the smallest is its negative: what the schema's integers hold


class Judgement(NamedTuple):
    """A graded passage of a query (grade > 0: relevant) and the line it is from."""

    line: int
    qid: str
    pid: str
    grade: int


class Judgements:
    """Judgements of the raw file `path`, held as row numbers: about 32 bytes each."""

    def __init__(self, path: Path, index: PidIndex) -> None:
        self.path = path
        self._index = index
        self._pending: list[Judgement] = []
        self._qids: list[str] = []
        self._columns = (array("q"), array("q"), array("q"))  # passage row, grade, line

    def extend(self, judgements: Iterable[Judgement]) -> None:
        """Add judgements; raises LabradorError with the line for one of an unknown passage."""
        for judgement in judgements:
            self._pending.append(judgement)
            if len(self._pending) == LOOKED_UP_TOGETHER:
                self._look_up()

    def _look_up(self) -> None:
        rows = self._index.rows([judgement.pid for judgement in self._pending]).tolist()
        for judgement, row in zip(self._pending, rows, strict=True):
            if row < 0:
                problem = f"a judgement for passage {judgement.pid!r}, which is unknown"
                raise bad_line(self.path, judgement.line, f"{problem}; the id of a passage of the corpus was expected")
            self._qids.append(judgement.qid)
            for column, value in zip(self._columns, (row, judgement.grade, judgement.line), strict=True):
                column.append(value)
        self._pending.clear()

    def columns(self, query_rows: dict[str, int]) -> tuple[NDArray[np.int64], ...]:
        """Query rows, passage rows, grades and lines, each [J], in the order they were added.

        `query_rows` gives the row of each query id; raises LabradorError with the line for one it does not have.
        """
        self._look_up()
        passage_rows, grades, lines = (np.array(column, dtype=np.int64) for column in self._columns)
        rows = np.fromiter((query_rows.get(qid, -1) for qid in self._qids), dtype=np.int64, count=len(self._qids))
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            problem = f"a judgement for query {self._qids[unknown[0]]!r}, which is unknown"
            line = int(lines[unknown[0]])
            raise bad_line(self.path, line, f"{problem}; the id of a query of the split was expected")
        return rows, passage_rows, grades, lines

    def qrels(self, query_rows: dict[str, int]) -> NDArray[np.int64]:
        """Query rows, passage rows and grades [3, J] by query, in the order added, each pair once, where it came first.

        Raises LabradorError as `columns`, and where a pair is judged twice with different grades.
        """
        rows, passage_rows, grades, lines = self.columns(query_rows)
        order = np.lexsort((lines, passage_rows, rows))
        qrels, lines = np.stack([rows, passage_rows, grades])[:, order], lines[order]
        if qrels.shape[1] == 0:
            return qrels
        same = (qrels[:2, 1:] == qrels[:2, :-1]).all(axis=0)
        differ = np.flatnonzero(same & (qrels[2, 1:] != qrels[2, :-1]))
        if len(differ):
            first = differ[np.argmin(lines[differ + 1])]
            qid = list(query_rows)[qrels[0, first]]
            grades_found = f"grade {qrels[2, first + 1]}, but {qrels[2, first]} on line {lines[first]}"
            problem = f"the passage is judged again for query {qid!r}: {grades_found}"
            raise bad_line(self.path, int(lines[first + 1]), f"{problem}; one grade was expected")
        firsts = np.sort(order[np.concatenate([[True], ~same])])  # places among what was added
        kept = np.stack([rows, passage_rows, grades])[:, firsts]
        return kept[:, np.argsort(kept[0], kind="stable")]

    def negatives(self, query_rows: dict[str, int], qrels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Query rows and passage rows [2, H] by query, in the order added, each once, without positives in `qrels`."""
        rows, passage_rows, _, _ = self.columns(query_rows)
        pairs = (rows << ROW_BITS) + passage_rows
        relevant = qrels[:2, qrels[2] > 0]
        keep = np.zeros(len(pairs), dtype=bool)
        keep[np.unique(pairs, return_index=True)[1]] = True
        keep &= ~np.isin(pairs, (relevant[0] << ROW_BITS) + relevant[1])
        kept = np.stack([rows, passage_rows])[:, keep]
        return kept[:, np.argsort(kept[0], kind="stable")]
