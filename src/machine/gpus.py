"""One GPU for each cell: cells that run at the same time on a machine do not share a GPU by accident.

When something must first be computed on a GPU, a cell locks one of those that its process may use and hides the others
from the process, which stays on that GPU: CUDA reads CUDA_VISIBLE_DEVICES only at its first call, so nothing here calls
CUDA. A cell that finds everything in the store or computes on the CPU waits for no GPU. The lock is free between cells,
so processes on one GPU take turns. Under a launcher that assigns GPUs (torchrun) nothing is locked.
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
CHOICE = "LABRADOR_GPUS"  # the GPUs that a process could choose from before it hid the others
WAIT = 1.0  # seconds between two rounds over GPUs that are all in use


@dataclass(frozen=True)
class Gpu:
    """A GPU of this machine."""

    uuid: str  # the same in every process
    capability: float  # compute capability; an A100 has 8.0
    model: str  # "NVIDIA H100 80GB HBM3"


@dataclass(frozen=True)
class Listing:
    """The machine's GPUs by number; if there are none, `why` they could not be listed."""

    gpus: Sequence[Gpu] = ()
    why: str = ""


class Lease:
    """A cell's claim to a GPU: taken when first needed, given back when the cell ends.

    `folder` holds the locks of this user on this machine.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"labrador-gpus-{os.getuid()}"
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Give the GPU and its memory back."""
        if self._lock is not None:
            _give_memory_back()
            self._lock.release()
            self._lock = None

    def take(self) -> None:
        """Wait until a GPU is free, lock it and hide the others from this process; call it before CUDA is used.

        Does nothing if this cell has a GPU, if none can be listed, and under torchrun, which assigns them.
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
    """The first GPU whose lock is free, and the acquired lock."""
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
    """Free the GPU memory that torch holds in reserve, for the next user of the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()  # trainers hold their models in reference cycles
        torch.cuda.empty_cache()


def visible_gpus() -> list[str]:
    """The UUIDs of the GPUs, or slices of GPUs, that this process may use.

    As nvidia-smi lists them and CUDA_VISIBLE_DEVICES selects; [] without either.
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
            break  # as CUDA does: what follows an unknown device is ignored
    return names


def least_capability() -> float | None:
    """The least compute capability of the GPUs that this process may use; None if none can be listed.

    Of all of them, since keys need it before the cell has its GPU; it stays the same afterwards. A slice of a GPU,
    which nvidia-smi does not list here, counts as the machine's least.
    """
    choice = os.environ.get(CHOICE)
    names, listed = visible_gpus() if choice is None else choice.split(","), listing().gpus
    known = [gpu.capability for gpu in listed if gpu.uuid in names] or [gpu.capability for gpu in listed]
    return min(known) if names and known else None


def models() -> list[str]:
    """The distinct models of the GPUs that this process may use."""
    names = visible_gpus()
    return sorted({gpu.model for gpu in listing().gpus if gpu.uuid in names})


def listing() -> Listing:
    """The GPUs by nvidia-smi, which does not start CUDA in this process."""
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
