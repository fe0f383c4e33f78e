"""A GPU of one's own: cells that run side by side on a machine do not share a GPU by accident.

A cell takes a lock for each GPU that its process may use, until it has one, and hides the others from the process,
which stays on that GPU from then on: CUDA cannot change it. The lock is free between two cells, so that of several
processes on a GPU each has its turn. Where a distributed launcher deals out GPUs (torchrun), nothing is locked.
"""

import gc
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from . import processes

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
WAIT = 1.0  # seconds between two rounds over GPUs that are all taken


@contextmanager
def claimed(gpus: Callable[[], Sequence[str]] | None = None, folder: Path | None = None) -> Iterator[str | None]:
    """Take a free one of the GPUs that this process may use and hide the others; waits while all are taken.

    Gives its name; None where there is no GPU or torchrun deals them out. Entered before CUDA is first used. `gpus`
    lists the names (those of `visible_gpus`), `folder` holds the locks, which are this user's on this machine.
    """
    names = [] if processes.world_size() > 1 else list((gpus or visible_gpus)())
    if not names:
        yield None
        return
    name, lock = _first_free(names, folder or Path(tempfile.gettempdir()) / f"labrador-gpus-{os.getuid()}")
    os.environ[VISIBLE] = name
    log.info("GPU %s", name)
    try:
        yield name
    finally:
        _give_memory_back()
        lock.release()


def _first_free(names: Sequence[str], folder: Path) -> tuple[str, FileLock]:
    """The first of the GPUs whose lock can be had, and the lock, held."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = False
    while True:
        for name in names:
            lock = FileLock(folder / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return name, lock
        if not told:
            log.info("every GPU is in use by another run of Labrador: %s; waiting", ", ".join(names))
            told = True
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
    told = os.environ.get(VISIBLE)
    if told is None:
        return _installed()
    chosen = [name.strip() for name in told.split(",") if name.strip()]
    installed = _installed() if any(name.isdecimal() for name in chosen) else []
    names: list[str] = []
    for name in chosen:
        if name.isdecimal() and int(name) < len(installed):
            names.append(installed[int(name)])
        elif name.startswith(("GPU-", "MIG-")):
            names.append(name)
        else:
            break  # as CUDA does: what follows a device that is not there is not used
    return names


def _installed() -> list[str]:
    """The UUIDs of the machine's GPUs, in the order of their numbers."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, "--query-gpu=uuid", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = done.stdout.splitlines() if done.returncode == 0 else []
    return [line.strip() for line in listed if line.startswith("GPU-")]
