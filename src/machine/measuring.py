"""One measurement at a time on a machine, and whether other work went on meanwhile.

Latency and throughput are true only where nothing else uses the machine. Cells that run side by side (joblib) measure
one after another, by a lock; that others trained, encoded or searched meanwhile is noticed, by a lock that all work
shares. Both are this user's on this machine. The kernel frees them when a process ends, however it ends.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def working() -> Iterator[None]:
    """Entered for work that takes the processor for a while: measurements of other processes then know of it."""
    handle = os.open(_work(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        os.utime(handle, ns=(now := time.time_ns(), now))  # seen by a measurement that has begun
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # also for processes forked meanwhile
        os.close(handle)


@contextmanager
def measuring() -> Iterator[Callable[[], bool]]:
    """Hold the machine's only right to measure; waits for it. This process must not be `working`.

    Gives a function that says whether other processes have worked since, or did when the measurement began.
    """
    lock = FileLock(_folder() / "measuring.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another run of Labrador measures on this machine; waiting")
        lock.acquire()
    try:
        handle = os.open(_work(), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            begun = os.fstat(handle).st_mtime_ns
            busy = not _nobody_works(handle)
            yield lambda: busy or os.fstat(handle).st_mtime_ns != begun
        finally:
            os.close(handle)
    finally:
        lock.release()


def _nobody_works(handle: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(handle, fcntl.LOCK_UN)
        return True
    return False


def _work() -> Path:
    """The file whose lock all work shares, and whose time says when the last began."""
    return _folder() / "working.lock"


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"labrador-machine-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
