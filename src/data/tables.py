"""Rows of raw files as record batches of the schema, and the checks that any source needs."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from .raw import bad_line
from .schema import Fingerprint


def write_batches(out: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> str:
    """Stream record batches, of BATCH_ROWS rows but for the last one, to an Arrow file; returns their fingerprint."""
    fingerprint = Fingerprint()
    with pa.OSFile(str(out), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for batch in batches:
            fingerprint.add_batch(batch)
            writer.write_batch(batch)
    return fingerprint.hexdigest()


def record_batch(path: Path, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows (line, then the schema's columns) as a record batch; raises LabradorError for half a surrogate pair."""
    _, *columns = zip(*rows, strict=True)
    try:
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    except UnicodeEncodeError:
        for line, *values in rows:
            text = "".join(value if isinstance(value, str) else "".join(value or ()) for value in values)
            if any("\ud800" <= mark <= "\udfff" for mark in text):
                raise bad_line(path, line, "half a surrogate pair is no character; expected UTF-8 text") from None
        raise
    return pa.record_batch(arrays, schema)


def check_id(path: Path, line: int, what: str, name: str) -> None:
    """Raise LabradorError unless an id is one word: run files part their fields by white space."""
    if not name.strip():
        raise bad_line(path, line, f"the {what} id is empty; every {what} needs its own id")
    if name.split() != [name] or "\0" in name:
        raise bad_line(path, line, f"{what} id {name!r} holds white space; expected one word; replace it")
