"""Writes the passages of a corpus: checked, sorted by the keys of their ids, with their duplicates.

Passages whose title and text are both blank (FiQA has some) are left out, since no search can find them. A judgement
of one counts as a judgement of a passage that the corpus lacks.
"""

import json
import logging
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .arrow_files import Columns, record_batch, write_batches
from .duplicates import find_duplicates
from .passage_ids import PidIndex, pid_keys
from .raw_files import bad_line, check_id
from .schema import (
    BATCH_ROWS,
    DUPLICATES_FILE,
    PASSAGES,
    PASSAGES_FILE,
    PASSAGES_META_FILE,
    SAMPLE_FILE,
    SOURCE_ROWS_FILE,
)
from .sorting import PassageSorter

log = logging.getLogger(__name__)


class Passage(NamedTuple):
    """A passage and its line in the raw file."""

    line: int
    pid: str
    title: str
    text: str


def write_passages(
    folder: Path, path: Path, passages: Iterable[Passage], seed: int, source_rows: NDArray[np.uint32] | None = None
) -> None:
    """Write the passages of the raw file `path` into `folder`, sorted by their keys with `seed`.

    source_rows [N]: their positions in the source, if not 0, 1, 2, ...
    Raises LabradorError for an id that is empty, duplicate or holds white space, and for an empty corpus.
    """
    lines = array("I")
    empty: list[tuple[str, int]] = []  # ids and lines
    sorter = PassageSorter(folder)
    kept = _kept(path, passages, lines, empty)
    while some := list(islice(kept, BATCH_ROWS)):
        sorter.add(record_batch(path, PASSAGES, some), pid_keys([passage.pid for passage in some], seed))
    if not lines:
        raise LabradorError(f"{path}: an empty corpus; expected at least one passage with a title or a text")
    fingerprint = write_batches(folder / PASSAGES_FILE, PASSAGES, sorter.batches(BATCH_ROWS))
    columns = Columns(folder / PASSAGES_FILE)
    index = PidIndex(sorter.keys, lambda rows: columns.take(rows, ("pid",))[0], seed)
    _check_distinct(path, index, columns, sorter.places, lines)
    _check_empty(path, index, empty, sorter.places, lines)
    places = sorter.places if source_rows is None else source_rows[sorter.places]
    np.save(folder / SOURCE_ROWS_FILE, places)
    duplicates, sample = find_duplicates(columns)
    duplicates.save(folder / DUPLICATES_FILE)
    np.save(folder / SAMPLE_FILE, sample)
    left_out = {"empty": {"count": len(empty), "first": empty[0][0]}} if empty else {}
    meta = {"passages": len(lines), "fingerprint": fingerprint, "left_out": left_out}
    (folder / PASSAGES_META_FILE).write_text(json.dumps(meta, indent=1, sort_keys=True))
    shared = f", {len(duplicates.rows):,} of which share their text with others" if len(duplicates.rows) else ""
    log.info("%s: %s passages%s", path.name, f"{len(lines):,}", shared)


def _kept(
    path: Path, passages: Iterable[Passage], lines: "array[int]", empty: list[tuple[str, int]]
) -> Iterator[Passage]:
    """The passages that have a text, their lines added to `lines`; ids and lines of the others go to `empty`."""
    for passage in passages:
        line, pid, title, text = passage
        check_id(path, line, "passage", pid)
        if text.strip() or title.strip():
            lines.append(line)
            yield passage
        else:
            empty.append((pid, line))


def _check_distinct(
    path: Path, index: PidIndex, columns: Columns, places: NDArray[np.uint32], lines: "array[int]"
) -> None:
    row = index.first_repeated(places)
    if row is not None:
        (pid,) = columns.take([row], ("pid",))[0]
        raise _duplicate(path, pid, lines[places[row]], lines[places[row - 1]])


def _check_empty(
    path: Path, index: PidIndex, empty: list[tuple[str, int]], places: NDArray[np.uint32], lines: "array[int]"
) -> None:
    rows = index.rows([pid for pid, _ in empty])
    for at in np.flatnonzero(rows >= 0)[:1].tolist():
        pid, line = empty[at]
        other = lines[places[rows[at]]]
        raise _duplicate(path, pid, max(line, other), min(line, other))


def _duplicate(path: Path, pid: str, line: int, earlier: int) -> LabradorError:
    return bad_line(
        path, line, f"passage id {pid!r} is already on line {earlier}; expected one passage an id; rename one"
    )


def read_meta(folder: Path) -> dict[str, Any]:
    """The description that `write_passages` left: "passages" (their number), "fingerprint", "left_out"."""
    found: dict[str, Any] = json.loads((folder / PASSAGES_META_FILE).read_text())
    return found


def open_index(folder: Path, seed: int) -> PidIndex:
    """The index of the ids of the passages in `folder`; reads all of them."""
    columns = Columns(folder / PASSAGES_FILE)
    keys = [pid_keys(pids, seed) for (pids,) in columns.scan(("pid",))]
    return PidIndex(np.concatenate(keys), lambda rows: columns.take(rows, ("pid",))[0], seed)
