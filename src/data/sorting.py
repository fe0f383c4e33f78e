"""Sorts passages by key, also those of a corpus larger than memory, which pyarrow cannot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .arrow_files import integers
from .passage_ids import Keys
from .schema import PASSAGES

HELD_BYTES = 64 * 2**20  # of passages held before they are written out
PARTS = 512  # of the range of keys: 21 million Wikipedia passages make parts of 26 MB
KEY_BITS = 64
UNSORTED = "passages-unsorted.arrow"


class PassageSorter:
    """Takes record batches of passages in the order of the file and gives them sorted by key.

    Beyond `HELD_BYTES` they go to a file in `folder`, partitioned by the upper bits of the keys, and are read back part
    by part: the corpus is written and read once more. Besides one part, some 30 bytes a passage are held.
    """

    def __init__(self, folder: Path) -> None:
        self.keys: Keys = np.empty(0, dtype=np.uint64)  # of every row, once sorted
        self.places: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)  # the position of each row in the file
        self._path = folder / UNSORTED
        self._held: list[pa.RecordBatch] = []
        self._held_keys: list[Keys] = []
        self._all_keys: list[Keys] = []
        self._file: Any = None
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch, keys: Keys) -> None:
        """Add the next passages and their keys [n]."""
        self._held.append(batch)
        self._held_keys.append(keys)
        if sum(held.nbytes for held in self._held) >= HELD_BYTES:
            self._write_out()

    def _write_out(self) -> None:
        if self._writer is None:
            self._file = pa.OSFile(str(self._path), "wb")
            self._writer = pa.ipc.new_file(self._file, PASSAGES)
        keys = np.concatenate(self._held_keys)
        parts = (keys >> np.uint64(KEY_BITS - PARTS.bit_length() + 1)).astype(np.uint16)
        order = np.argsort(parts, kind="stable")
        batch = pa.concat_batches(self._held).take(integers(order))
        edges = np.searchsorted(parts[order], np.arange(PARTS + 1))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            self._writer.write_batch(batch.slice(start, stop - start))
        self._all_keys.append(keys)
        self._held.clear()
        self._held_keys.clear()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """All passages, sorted, `rows` at a time (fewer in the last batch); sets `keys` and `places` first."""
        if self._writer is not None:
            self._write_out()
        keys = np.concatenate([*self._all_keys, *self._held_keys, self.keys])
        self._all_keys.clear()
        order = np.argsort(keys, kind="stable")
        self.places, self.keys = order.astype(np.uint32), keys[order]
        del keys, order
        waiting: list[pa.RecordBatch] = []
        for part in self._parts():
            waiting.append(part)
            if sum(map(len, waiting)) >= rows:
                joined = pa.concat_batches(waiting)
                whole = len(joined) - len(joined) % rows
                for start in range(0, whole, rows):
                    yield joined.slice(start, rows)
                waiting = [joined.slice(whole)]
        if sum(map(len, waiting)):
            yield pa.concat_batches(waiting)

    def _parts(self) -> Iterator[pa.RecordBatch]:
        """The passages of each part of the range of keys, in order."""
        first = 0
        for found in self._unsorted():
            places = self.places[first : first + len(found)]
            order = np.empty(len(found), dtype=np.int64)  # `found` has the order of the file
            order[np.argsort(places)] = np.arange(len(found))
            self._by_id(found, first, order)
            first += len(found)
            yield found.take(integers(order))

    def _unsorted(self) -> Iterator[pa.RecordBatch]:
        """The passages part by part, each in the order of the file."""
        if self._writer is None:
            if self._held:
                yield pa.concat_batches(self._held)
            return
        self._writer.close()
        self._file.close()
        with pa.OSFile(str(self._path)) as file:
            reader = pa.ipc.open_file(file)
            for part in range(PARTS):
                runs = range(part, reader.num_record_batches, PARTS)
                yield pa.concat_batches([reader.get_batch(run) for run in runs])
        self._path.unlink()

    def _by_id(self, found: pa.RecordBatch, first: int, order: NDArray[np.int64]) -> None:
        """Sort passages with equal keys by id: `order` are their positions in `found`, whose first row is `first`."""
        keys = self.keys[first : first + len(order)]
        equal = np.flatnonzero(keys[1:] == keys[:-1])
        for places in np.split(equal, np.flatnonzero(np.diff(equal) > 1) + 1) if len(equal) else ():
            some = slice(places[0], places[-1] + 2)
            pids = found.column("pid").take(integers(order[some])).to_pylist()
            by_id = np.array(sorted(range(len(pids)), key=pids.__getitem__))
            order[some] = order[some][by_id]
            self.places[first : first + len(order)][some] = self.places[first : first + len(order)][some][by_id]
