"""Writing the passages of a corpus: checked, sorted by the keys of their ids, with their duplicates.

Passages without any text (title and text both blank, as FiQA has some) are left out: nothing can find them. A
judgement of one is a judgement of a passage that the corpus does not have.
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
    PASSAGES,
    duplicates_file,
    passages_file,
    passages_meta_file,
    sample_file,
    source_rows_file,
)
from .sorting import PassageSorter

log = logging.getLogger(__name__)


class Passage(NamedTuple):
    """A passage and the line it is from."""

    line: int
    pid: str
    title: str
    text: str


def passage_files(folder: Path) -> list[Path]:
    """All files that `write_passages` leaves."""
    return [
        file(folder) for file in (passages_file, source_rows_file, duplicates_file, sample_file, passages_meta_file)
    ]


def write_passages(
    folder: Path, path: Path, passages: Iterable[Passage], seed: int, source_rows: NDArray[np.uint32] | None = None
) -> None:
    """Write the passages of the raw file `path` into `folder`, in the order of their keys with `seed`.

    source_rows [N]: which passage of the source each of them is, where that is not its own number.
    Raises LabradorError for an id that is empty, duplicate or not one word, and for an empty corpus.
    """
    lines = array("I")
    empty: list[tuple[str, int]] = []  # ids and lines
    sorter = PassageSorter(folder)
    kept = _kept(path, passages, lines, empty)
    while some := list(islice(kept, BATCH_ROWS)):
        sorter.add(record_batch(path, PASSAGES, some), pid_keys([passage.pid for passage in some], seed))
    if not lines:
        raise LabradorError(f"{path}: an empty corpus; expected at least one passage with a title or a text")
    fingerprint = write_batches(passages_file(folder), PASSAGES, sorter.batches(BATCH_ROWS))
    columns = Columns(passages_file(folder))
    index = PidIndex(sorter.keys, lambda rows: columns.take(rows, ("pid",))[0], seed)
    _check_distinct(path, index, columns, sorter.places, lines)
    _check_empty(path, index, empty, sorter.places, lines)
    places = sorter.places if source_rows is None else source_rows[sorter.places]
    np.save(source_rows_file(folder), places, allow_pickle=False)
    duplicates, sample = find_duplicates(columns)
    duplicates.save(duplicates_file(folder))
    np.save(sample_file(folder), sample, allow_pickle=False)
    left_out = {"empty": {"count": len(empty), "first": empty[0][0]}} if empty else {}
    meta = {"passages": len(lines), "fingerprint": fingerprint, "left_out": left_out}
    passages_meta_file(folder).write_text(json.dumps(meta, indent=1, sort_keys=True))
    shared = f", {len(duplicates.rows):,} of which share their text with others" if len(duplicates.rows) else ""
    log.info("%s: %s passages%s", path.name, f"{len(lines):,}", shared)


def _kept(
    path: Path, passages: Iterable[Passage], lines: "array[int]", empty: list[tuple[str, int]]
) -> Iterator[Passage]:
    """The passages that have a text, their lines put into `lines`; the ids and lines of the others into `empty`."""
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
        path, line, f"passage id {pid!r} is a duplicate of line {earlier}'s; every passage needs its own id"
    )


def read_meta(folder: Path) -> dict[str, Any]:
    """What `write_passages` says of them: "passages" (how many), "fingerprint", "left_out"."""
    found: dict[str, Any] = json.loads(passages_meta_file(folder).read_text())
    return found


def open_index(folder: Path, seed: int) -> PidIndex:
    """The index of the ids of the passages in `folder`; reads all ids."""
    columns = Columns(passages_file(folder))
    keys = [pid_keys(pids, seed) for (pids,) in columns.scan(("pid",))]
    return PidIndex(np.concatenate(keys), lambda rows: columns.take(rows, ("pid",))[0], seed)
