"""A GPU of one's own: cells that run side by side on a machine do not share a GPU by accident.

A cell takes a lock for one of the GPUs that its process may use when something first has to be computed on it, and
hides the others from the process, which stays on that GPU from then on: CUDA looks at CUDA_VISIBLE_DEVICES once, at its
first call, so nothing here calls it. A cell that finds everything in the store, or computes on the CPU, waits for no
GPU. The lock is free between two cells, so that of several processes on a GPU each has its turn. Where a distributed
launcher deals out GPUs (torchrun), nothing is locked.
"""

import gc
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from . import processes

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
CHOICE = "LABRADOR_GPUS"  # the GPUs that a process could choose from before it hid all but its own
WAIT = 1.0  # seconds between two rounds over GPUs that are all taken


@dataclass(frozen=True)
class Gpu:
    """A GPU of this machine."""

    uuid: str  # the same in every process
    capability: float  # of computing: 8.0 is an A100's
    model: str  # "NVIDIA H100 80GB HBM3"


@dataclass(frozen=True)
class Listing:
    """The machine's GPUs in the order of their numbers; without any, `why` they could not be listed."""

    gpus: Sequence[Gpu] = ()
    why: str = ""


class Lease:
    """The GPU of one cell: taken when it is first needed, free again when the cell ends.

    `folder` holds the locks, which are this user's on this machine.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"labrador-gpus-{os.getuid()}"
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Give the GPU back, and the memory on it."""
        if self._lock is not None:
            _give_memory_back()
            self._lock.release()
            self._lock = None

    def take(self) -> None:
        """Have a GPU: wait until one is free, hide the others from this process. Call it before CUDA is first used.

        Does nothing where this cell has one already, where none can be listed, and where torchrun deals them out.
        """
        if self._lock is not None or processes.world_size() > 1:
            return
        names = visible_gpus()
        if not names:
            return
        name, self._lock = _first_free(names, self._folder)
        os.environ.setdefault(CHOICE, ",".join(names))
        os.environ[VISIBLE] = name
        log.info("GPU %s", name)


def _first_free(names: Sequence[str], folder: Path) -> tuple[str, FileLock]:
    """The first of the GPUs whose lock is free, and the lock, held."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = False
    while True:
        for name in names:
            lock = FileLock(folder / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return name, lock
        if not said:
            log.info("every GPU is in use by another run of Labrador: %s; waiting", ", ".join(names))
            said = True
        time.sleep(WAIT)


def _give_memory_back() -> None:
    """What torch keeps of a GPU's memory for later, for whoever has the GPU next."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()  # trainers hold their models in circles
        torch.cuda.empty_cache()


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by names that are the same in every process: UUIDs, of slices, too.

    As nvidia-smi lists them and CUDA_VISIBLE_DEVICES chooses; [] without either.
    """
    setting = os.environ.get(VISIBLE)
    if setting is None:
        return [gpu.uuid for gpu in listing().gpus]
    chosen = [name.strip() for name in setting.split(",") if name.strip()]
    uuids = [gpu.uuid for gpu in listing().gpus] if any(name.isdecimal() for name in chosen) else []
    names: list[str] = []
    for name in chosen:
        if name.isdecimal() and int(name) < len(uuids):
            names.append(uuids[int(name)])
        elif name.startswith(("GPU-", "MIG-")):
            names.append(name)
        else:
            break  # as CUDA does: what follows a device that is not there is not used
    return names


def least_capability() -> float | None:
    """The least compute capability of the GPUs that this process may use; None where none can be listed.

    Of all of them, since it must be known, and enter keys, before a cell has its GPU; it is the same once the cell has
    one. A slice of a GPU, which is not listed by its own name, counts as the least of the machine.
    """
    choice = os.environ.get(CHOICE)
    names, listed = visible_gpus() if choice is None else choice.split(","), listing().gpus
    known = [gpu.capability for gpu in listed if gpu.uuid in names] or [gpu.capability for gpu in listed]
    return min(known) if names and known else None


def models() -> list[str]:
    """The models of the GPUs that this process may use, each once: one where it is certain which a cell gets."""
    names = visible_gpus()
    return sorted({gpu.model for gpu in listing().gpus if gpu.uuid in names})


def listing() -> Listing:
    """What nvidia-smi lists, which does not use CUDA."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Listing(why="nvidia-smi is not on the PATH")
    command = [tool, "--query-gpu=uuid,compute_cap,name", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())[:200]
        return Listing(why=f"nvidia-smi failed with exit code {done.returncode}: {said}")
    fields = [line.split(",", 2) for line in done.stdout.splitlines() if line.startswith("GPU-")]
    return Listing([Gpu(uuid.strip(), float(capability), model.strip()) for uuid, capability, model in fields])
