"""Arrow files: record batches of checked rows written one after another, rows read without joining columns."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from .raw_files import bad_line
from .schema import BATCH_ROWS, Fingerprint


def integers(values: NDArray[np.int64]) -> pa.Array:
    """Integers [R] as an Arrow array; `pa.array` would import pandas if it is installed."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


class Columns:
    """An Arrow IPC file whose record batches hold BATCH_ROWS rows each, the last one fewer.

    Rows are read through a memory map, so a row costs the pages it lies on. Columns are never joined: that would copy
    a string column of 21 million passages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        count = self._reader.num_record_batches
        last = self._reader.get_batch(count - 1).num_rows if count else 0
        self._starts = np.arange(count, dtype=np.int64) * BATCH_ROWS
        self._length = (count - 1) * BATCH_ROWS + last if count else 0

    def __len__(self) -> int:
        return self._length

    def take(self, rows: ArrayLike, names: tuple[str, ...]) -> list[list[Any]]:
        """The values of `rows` [R] in the named columns, one list each; raises IndexError for rows out of range."""
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= self._length):
            raise IndexError(f"rows span {wanted.min()}..{wanted.max()}, expected 0..{self._length - 1}")
        taken: list[list[Any]] = [[None] * len(wanted) for _ in names]
        for batch, places in self._by_batch(wanted):
            local = integers(wanted[places] - self._starts[batch])
            found = self._reader.get_batch(batch)
            for values, name in zip(taken, names, strict=True):
                for place, value in zip(places, found.column(name).take(local).to_pylist(), strict=True):
                    values[place] = value
        return taken

    def _by_batch(self, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """(record batch, positions in `wanted` that fall into it), batch by batch."""
        if len(wanted) == 0:
            return
        batches = np.searchsorted(self._starts, wanted, side="right") - 1
        order = np.argsort(batches, kind="stable")
        edges = np.flatnonzero(np.diff(batches[order])) + 1
        for places in np.split(order, edges):
            yield int(batches[places[0]]), places

    def scan(self, names: tuple[str, ...]) -> Iterator[list[list[Any]]]:
        """Every record batch in order, one list for each named column; memory holds one batch."""
        with pa.OSFile(str(self._path)) as file:
            reader = pa.ipc.open_file(file)
            for batch in range(reader.num_record_batches):
                found = reader.get_batch(batch)
                yield [found.column(name).to_pylist() for name in names]


def write_batches(out: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
    """Stream record batches, all but the last of BATCH_ROWS rows, to an Arrow file; returns their fingerprint."""
    fingerprint = Fingerprint()
    with pa.OSFile(str(out), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for batch in batches:
            fingerprint.add_batch(batch)
            writer.write_batch(batch)
    return fingerprint.hexdigest()


def record_batch(path: Path, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows (line, then the columns of the schema) as a record batch; raises LabradorError for half a surrogate pair."""
    _, *columns = zip(*rows, strict=True)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except UnicodeEncodeError:
        for line, *values in rows:
            text = "".join(value if isinstance(value, str) else "".join(value or ()) for value in values)
            if any("\ud800" <= mark <= "\udfff" for mark in text):
                raise bad_line(path, line, "half a surrogate pair is no character; expected UTF-8; remove it") from None
        raise
    return pa.record_batch(arrays, schema)
