"""The schema that every source is converted to, and its files.

    passages.arrow           pid, title, text          Arrow IPC file, BATCH_ROWS rows per record batch
    source_rows.npy          uint32 [N]                the position of each passage in the source, from 0
    queries-SPLIT.arrow      qid, text, answers        answers: list of strings, null where the source has none
    passages.json            number, fingerprint, what was left out
    qrels-SPLIT.npy          int64 [3, J]              query row, passage row, grade; by query, in the source's order
    unreachable-SPLIT.npy    int64 [3, U]              the same for passages that are missing, numbered -1, -2, ...
    negatives-SPLIT.npy      int64 [2, H]              query row, passage row; only if the source lists hard negatives
    same-ids-SPLIT.npy       int64 [2, Q]              the passage with the query's id (-1: none), 1 if it has its text
    duplicates.npy           int64 [3, T]              passages that share their text: row, text, title (duplicates.py)
    sample.npy               int64 [S]                 a random sample of the passages (duplicates.py)
    meta.json                splits, counts, how rankings are scored, which positive is trained on, fingerprints

A row is a position in passages.arrow or in the split's queries. Passages are sorted by a seeded hash of their ids
(passage_ids.py), so no figure depends on the order of the source's lines: equal scores go to the lower row. Judgements
and hard negatives of a query keep the source's order. A fingerprint is a hash of a part's content: the same texts give
the same fingerprint whatever files, folders or compression they came from. Fingerprints of qrels and negatives hash
rows, so they identify something only together with those of the passages and the queries.
"""

import hashlib
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SCHEMA_VERSION = 5  # raise it when the same source is converted to other files
Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
BATCH_ROWS = 4096  # rows per record batch: about 3 MB of 100-word passages

PASSAGES = pa.schema([("pid", pa.string()), ("title", pa.string()), ("text", pa.string())])
QUERIES = pa.schema([("qid", pa.string()), ("text", pa.string()), ("answers", pa.list_(pa.string()))])

ScoredBy = Literal["qrels", "answers"]
Positive = Literal["first", "any"]  # trained on: the first positive of a query's list, or one drawn at random


PASSAGES_FILE, SOURCE_ROWS_FILE = "passages.arrow", "source_rows.npy"
DUPLICATES_FILE, SAMPLE_FILE = "duplicates.npy", "sample.npy"
PASSAGES_META_FILE, META_FILE = "passages.json", "meta.json"
PASSAGE_FILES = (PASSAGES_FILE, SOURCE_ROWS_FILE, DUPLICATES_FILE, SAMPLE_FILE, PASSAGES_META_FILE)
SplitPart = Literal["queries", "qrels", "unreachable", "negatives", "same-ids"]


def split_file(folder: Path, part: SplitPart, split: str) -> Path:
    """The file of one part of a split."""
    return folder / f"{part}-{split}.{'arrow' if part == 'queries' else 'npy'}"


class Fingerprint:
    """A running hash of columns of strings and of integer arrays.

    Strings enter as lengths and bytes, batch by batch, so ("ab", "c") and ("a", "bc") differ. Every batch but the last
    holds BATCH_ROWS rows, so the same content gives the same hash.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Add a record batch of columns of strings or of lists of strings."""
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
