"""One measurement at a time on a machine, and whether other work disturbed it.

Latency and throughput are true only if nothing else uses the machine. A lock lets cells that run at the same time
(joblib) measure one after another; another lock, shared by all work, shows whether others trained, encoded or searched
meanwhile. Both belong to this user on this machine, and the kernel frees them however a process ends.
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
    """Hold this around long work, so that measurements of other processes notice it."""
    handle = os.open(_work(), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        os.utime(handle, ns=(now := time.time_ns(), now))  # for measurements that have begun
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # also for processes forked meanwhile
        os.close(handle)


@contextmanager
def measuring() -> Iterator[Callable[[], bool]]:
    """Wait for the machine's measuring lock and hold it; this process must not be `working`.

    Gives a function that tells whether other processes worked when the measurement began, or have since.
    """
    lock = FileLock(_folder() / "measuring.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another run of Labrador is measuring on this machine; waiting")
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
    """The file whose lock all work shares and whose modification time is when the last work began."""
    return _folder() / "working.lock"


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"labrador-machine-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
