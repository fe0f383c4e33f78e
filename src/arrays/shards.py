"""A long array made shard by shard into one .npy file, by one process or several; what a killed run finished is kept.

Each shard is written with one positioned write; a marker file beside it then says that it is done.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..machine import processes
from ..machine.progress_bar import bar
from . import npy

Make = Callable[[int, int, Callable[[int], Any]], NDArray[Any]]  # (first, last, report rows done) -> rows first..last


def write_shards(
    out: Path, shape: tuple[int, ...], dtype: DTypeLike, shard_size: int, make: Make, *, verb: str, unit: str
) -> None:
    """Write the array of `shape` [N, ...] that `make` gives in parts of `shard_size` rows to the .npy file `out`.

    Started by torchrun, process r makes the shards i with i % processes == r. An unfinished `out` is continued if it
    has the same shape, type and shards; that it would hold the same rows is the caller's to see to. `verb` and `unit`
    ("encoding", " passages") are the progress bar's.
    """
    markers = _markers(out)
    if processes.is_main():
        _prepare(out, markers, shape, np.dtype(dtype), shard_size)
    processes.barrier()
    bounds = {
        shard: (shard * shard_size, min((shard + 1) * shard_size, shape[0]))
        for shard in range(processes.rank(), -(-shape[0] // shard_size), processes.world_size())
    }
    todo = [shard for shard in bounds if not (markers / f"{shard}.done").exists()]
    total = sum(last - first for first, last in bounds.values())
    done = total - sum(bounds[shard][1] - bounds[shard][0] for shard in todo)
    with bar(verb, unit, total=total, done=done) as shown:
        for shard in todo:
            first, last = bounds[shard]
            npy.write_rows(out, first, make(first, last, shown.update))
            _write_durably(markers / f"{shard}.done", "")
    processes.barrier()
    if processes.is_main():
        shutil.rmtree(markers)
    processes.barrier()


def begun(out: Path) -> bool:
    """Whether a killed `write_shards` left finished shards of `out`, with which the next one goes on."""
    return _markers(out).exists()


def _markers(out: Path) -> Path:
    """The folder that says which shards of `out` are done."""
    return out.with_name(f"{out.name}.shards")


def _prepare(out: Path, markers: Path, shape: tuple[int, ...], dtype: np.dtype[Any], shard_size: int) -> None:
    """Make the file and the marker folder, unless those of an interrupted run fit."""
    plan = json.dumps({"shape": shape, "dtype": dtype.str, "shard_size": shard_size})
    if out.is_file() and (markers / "plan.json").is_file() and (markers / "plan.json").read_text() == plan:
        return
    shutil.rmtree(markers, ignore_errors=True)
    npy.create(out, shape, dtype)
    markers.mkdir()
    _write_durably(markers / "plan.json", plan)


def _write_durably(path: Path, text: str) -> None:
    """Write a file and wait until the disk has it and its name."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
