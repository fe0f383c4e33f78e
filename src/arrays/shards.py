"""A long array made shard by shard in one .npy file, by one process or several; finished shards survive a kill.

Each shard is one positioned write, after which a marker file says that it is done.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..machine import processes
from ..machine.files import atomically
from ..machine.progress_bar import bar
from . import npy

Make = Callable[[int, int, Callable[[int], Any]], NDArray[Any]]  # (first, last, report rows done) -> rows first..last


@dataclass(frozen=True)
class Plan:
    """An array of `shape` [N, ...] and type, made in shards of `shard_size` rows."""

    shape: tuple[int, ...]
    dtype: DTypeLike
    shard_size: int

    @property
    def shards(self) -> list[tuple[int, int]]:
        """First and last (exclusive) row of each shard."""
        return [
            (first, min(first + self.shard_size, self.shape[0])) for first in range(0, self.shape[0], self.shard_size)
        ]

    def __str__(self) -> str:
        """As JSON."""
        return json.dumps({"shape": self.shape, "dtype": np.dtype(self.dtype).str, "shard_size": self.shard_size})


def write_shards(out: Path, plan: Plan, make: Make, *, verb: str, unit: str) -> None:
    """Write the array that `make` gives shard by shard to the .npy file `out`.

    Under torchrun, process r makes the shards i with i % processes == r. An unfinished `out` is continued if it has the
    same plan; the caller ensures that it would hold the same rows. `verb` and `unit` ("encoding", " passages") are for
    the progress bar.
    """
    markers = _markers(out)
    if processes.is_main():
        _prepare(out, markers, plan)
    processes.barrier()
    bounds = dict(list(enumerate(plan.shards))[processes.rank() :: processes.world_size()])
    todo = [shard for shard in bounds if not (markers / f"{shard}.done").exists()]
    total = sum(last - first for first, last in bounds.values())
    done = total - sum(bounds[shard][1] - bounds[shard][0] for shard in todo)
    with bar(verb, unit, total=total, done=done) as shown:
        for shard in todo:
            first, last = bounds[shard]
            npy.write_rows(out, first, make(first, last, shown.update))
            with atomically(markers / f"{shard}.done") as marker:
                marker.touch()
    processes.barrier()
    if processes.is_main():
        shutil.rmtree(markers)
    processes.barrier()


def begun(out: Path) -> bool:
    """Whether a killed `write_shards` left shards of `out` from which the next one continues."""
    return _markers(out).exists()


def _markers(out: Path) -> Path:
    """The folder of markers of the finished shards of `out`."""
    return out.with_name(f"{out.name}.shards")


def _prepare(out: Path, markers: Path, plan: Plan) -> None:
    """Make the file and the folder of markers, unless those of a killed run fit."""
    noted = markers / "plan.json"
    if out.is_file() and noted.is_file() and noted.read_text() == str(plan):
        return
    shutil.rmtree(markers, ignore_errors=True)
    npy.create(out, plan.shape, plan.dtype)
    markers.mkdir()
    with atomically(noted) as file:
        file.write_text(str(plan))
