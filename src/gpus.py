"""A GPU of one's own: cells that run side by side on a machine do not share a GPU by accident.

A process takes a lock for each GPU that it may use, until it has one, and hides the others from itself. It keeps the
GPU until it ends. Where a distributed launcher deals out GPUs (torchrun), nothing is locked.
"""

import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from . import processes

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
WAIT = 1.0  # seconds between two rounds over GPUs that are all taken
_own: dict[str, FileLock] = {}  # the GPU of this process, and its lock


def claim(gpus: Callable[[], Sequence[str]] | None = None, folder: Path | None = None) -> str | None:
    """Take a free one of the GPUs that this process may use and hide the others; waits while all are taken.

    Returns its name; None where there is no GPU or torchrun deals them out. Called before CUDA is first used. `gpus`
    lists the names (those of `visible_gpus`), `folder` holds the locks, which are this user's on this machine.
    """
    if processes.world_size() > 1:
        return None
    if _own:
        return next(iter(_own))
    names = list((gpus or visible_gpus)())
    if not names:
        return None
    place = folder or Path(tempfile.gettempdir()) / f"labrador-gpus-{os.getuid()}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = False
    while True:
        for name in names:
            lock = FileLock(place / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _own[name] = lock
            os.environ[VISIBLE] = name
            log.info("GPU %s", name)
            return name
        if not told:
            log.info("every GPU is in use by another run of Labrador: %s; waiting", ", ".join(names))
            told = True
        time.sleep(WAIT)


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by names that are the same in every process: UUIDs, of slices, too.

    As nvidia-smi lists them and CUDA_VISIBLE_DEVICES chooses; [] without either.
    """
    told = os.environ.get(VISIBLE)
    chosen = None if told is None else [name.strip() for name in told.split(",") if name.strip()]
    if chosen is not None and not any(name.isdecimal() for name in chosen):
        return [name for name in chosen if name.startswith(("GPU-", "MIG-"))]
    installed = _installed()
    if chosen is None:
        return installed
    names: list[str] = []
    for name in chosen:
        if not name.isdecimal():
            names.append(name)
        elif int(name) < len(installed):
            names.append(installed[int(name)])
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
    return (
        [line.strip() for line in done.stdout.splitlines() if line.startswith("GPU-")] if done.returncode == 0 else []
    )
