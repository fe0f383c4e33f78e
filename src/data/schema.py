"""The one schema that every source is converted to, and how its parts lie on disk.

    passages.arrow           pid, title, text          Arrow IPC file, BATCH_ROWS rows per record batch
    source_rows.npy          uint32 [N]                which passage of the source each row is, from 0
    queries-SPLIT.arrow      qid, text, answers        answers: list of strings, null where the source has none
    passages.json            how many they are, their fingerprint, what was left out of them
    qrels-SPLIT.npy          int64 [3, J]              query row, passage row, grade; by query, in the source's order
    unreachable-SPLIT.npy    int64 [3, U]              the same of passages that are not there, numbered from -1 down
    negatives-SPLIT.npy      int64 [2, H]              query row, passage row; only where the source brings them
    same-ids-SPLIT.npy       int64 [2, Q]              the passage row with the query's id (-1: none), 1 if of one text
    duplicates.npy           int64 [3, T]              passages that share their text: row, text, title (duplicates.py)
    sample.npy               int64 [S]                 rows of some passages that stand for all (duplicates.py)
    meta.json                splits, counts, how rankings are scored, which positive is trained on, fingerprints

A row is a position in passages.arrow or in the split's queries. Passages lie in the order of a seeded hash of their
ids (passage_ids.py), so that no figure depends on the order of the source's lines: equal scores go to the lower row.
Judgements and hard negatives of a query stand in the order in which the source lists them. A fingerprint is a hash of
a part's content: the same texts give the same fingerprint, whatever files, folders or compression they came from.
Those of qrels and negatives speak of rows, so they mean something only beside the fingerprints of the passages and the
queries.
"""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SCHEMA_VERSION = 5  # raised when a folder holds something else for the same source
SPLITS = ("train", "dev", "test")
BATCH_ROWS = 4096  # rows per record batch: about 3 MB of 100-word passages

PASSAGES = pa.schema([("pid", pa.string()), ("title", pa.string()), ("text", pa.string())])
QUERIES = pa.schema([("qid", pa.string()), ("text", pa.string()), ("answers", pa.list_(pa.string()))])

ScoredBy = Literal["qrels", "answers"]
Positive = Literal["first", "any"]  # of a question's positives, the first of its list, or any of them by chance


def passages_file(folder: Path) -> Path:
    """The Arrow file of the passages."""
    return folder / "passages.arrow"


def source_rows_file(folder: Path) -> Path:
    """The array of the places that the passages have in the source."""
    return folder / "source_rows.npy"


def queries_file(folder: Path, split: str) -> Path:
    """The Arrow file of a split's queries."""
    return folder / f"queries-{split}.arrow"


def qrels_file(folder: Path, split: str) -> Path:
    """The array of a split's judgements."""
    return folder / f"qrels-{split}.npy"


def unreachable_file(folder: Path, split: str) -> Path:
    """The array of a split's judgements of passages that the corpus does not have; only where there are such."""
    return folder / f"unreachable-{split}.npy"


def negatives_file(folder: Path, split: str) -> Path:
    """The array of a split's hard negatives."""
    return folder / f"negatives-{split}.npy"


def same_ids_file(folder: Path, split: str) -> Path:
    """The array of the passages that have the id of one of a split's queries."""
    return folder / f"same-ids-{split}.npy"


def duplicates_file(folder: Path) -> Path:
    """The array of the passages that share their text."""
    return folder / "duplicates.npy"


def sample_file(folder: Path) -> Path:
    """The array of the rows of a sample of the passages."""
    return folder / "sample.npy"


def passages_meta_file(folder: Path) -> Path:
    """The description of the passages."""
    return folder / "passages.json"


def meta_file(folder: Path) -> Path:
    """The description of the folder."""
    return folder / "meta.json"


class Fingerprint:
    """A running hash of columns of strings and of integer arrays.

    Strings enter as their lengths and their bytes, batch by batch, so ("ab", "c") and ("a", "bc") differ; batches
    always hold BATCH_ROWS rows (the last one fewer), so the same content gives the same hash.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Add a record batch of string columns, and of list columns of strings."""
        for column in batch.columns:
            if pa.types.is_list(column.type):
                lengths = [-1 if answers is None else len(answers) for answers in column.to_pylist()]
                self.add_array(np.array(lengths, dtype=np.int64))
                column = column.flatten()
            self._add_strings(column)

    def _add_strings(self, column: pa.StringArray) -> None:
        self._hash.update(len(column).to_bytes(8, "little"))
        if len(column) == 0:
            return
        _, offsets_buffer, data = column.buffers()
        offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
        self._hash.update(np.diff(offsets).astype("<i4").tobytes())
        if data is not None:
            self._hash.update(memoryview(data)[offsets[0] : offsets[-1]])

    def add_array(self, array: NDArray[np.int64]) -> None:
        """Add an integer array of any shape."""
        self._hash.update(repr(array.shape).encode())
        self._hash.update(np.ascontiguousarray(array, dtype="<i8").tobytes())

    def hexdigest(self) -> str:
        """The hash so far, 32 hex digits."""
        return self._hash.hexdigest()
