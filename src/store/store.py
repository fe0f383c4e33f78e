"""Making artifacts: once, whole, by one process at a time."""

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import processes
from ..errors import LabradorError
from .artifact import Artifact, fault, read_manifest, write_manifest
from .keys import artifact_key

log = logging.getLogger(__name__)


class Store:
    """A folder of artifacts: root/STEP/KEY/, beside each a lock and, while it is made, a `.KEY.partial` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(
        self,
        step: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        write: Callable[[Path], None],
        *,
        version: int = 1,
        resumable: bool = False,
        collective: bool = False,
        about: str = "",
    ) -> Artifact:
        """Find the artifact of (step, version, config, inputs), or have `write(folder)` fill a folder and keep that.

        An exception in `write` leaves nothing behind. With `resumable`, what a killed `write` left is handed to the
        next one, and only a LabradorError clears it. With `collective`, every process of a distributed run calls
        `write` on the same folder; otherwise the main one alone. `about` says in the log what is made.
        """
        key = artifact_key(step, version, config, inputs)
        made_by = {"step": step, "version": version, "config": dict(config), "inputs": dict(inputs)}
        title = f"{step} {key[:8]}" + (f" ({about})" if about else "")
        if processes.world_size() > 1:
            return self._make_together(step, key, made_by, write, resumable, collective, title)
        return self._look(step, key, title) or self._make_alone(step, key, made_by, write, resumable, title)

    def _make_together(
        self,
        step: str,
        key: str,
        made_by: dict[str, Any],
        write: Callable[[Path], None],
        resumable: bool,
        collective: bool,
        title: str,
    ) -> Artifact:
        """`make` in a distributed run: the main process decides, locks and finishes; the others help or wait."""
        if not processes.is_main():
            if processes.broadcast("") == "make" and collective:
                write(self._partial(step, key))
                processes.barrier()  # every process has written its share
            processes.barrier()  # the artifact is in its place
            return self._open(step, key)

        told = False

        def write_and_wait(folder: Path) -> None:
            nonlocal told
            processes.broadcast("make")
            told = True
            write(folder)
            if collective:
                processes.barrier()

        artifact = self._look(step, key, title)
        if artifact is None:
            artifact = self._make_alone(step, key, made_by, write_and_wait, resumable, title)
        if not told:
            processes.broadcast("found")
        processes.barrier()
        return artifact

    def _make_alone(
        self,
        step: str,
        key: str,
        made_by: dict[str, Any],
        write: Callable[[Path], None],
        resumable: bool,
        title: str,
    ) -> Artifact:
        with self._locked(step, key, title):
            found = self._look(step, key, title, remove=True)
            if found is not None:  # another process made it while this one waited
                return found
            try:
                return self._write(step, key, made_by, write, resumable, title)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise LabradorError(f"store={self.root}: the disk is full; free some, then run again") from error

    def _write(
        self,
        step: str,
        key: str,
        made_by: dict[str, Any],
        write: Callable[[Path], None],
        resumable: bool,
        title: str,
    ) -> Artifact:
        """Fill the partial folder and rename it; the lock is held."""
        partial, final = self._partial(step, key), self.folder(step, key)
        resumed = resumable and partial.exists() and any(partial.iterdir())
        if partial.exists() and not resumable:
            shutil.rmtree(partial)
        partial.mkdir(parents=True, exist_ok=True)
        log.info("%s: %s", title, "continuing what was begun" if resumed else "making it")
        start = time.perf_counter()
        try:
            write(partial)
            write_manifest(partial, made_by, time.perf_counter() - start, resumed)
        except BaseException as error:
            if not resumable or isinstance(error, LabradorError):
                shutil.rmtree(partial, ignore_errors=True)
            raise
        partial.replace(final)
        _fsync_folder(final.parent)
        log.info("%s: made in %.1f s", title, time.perf_counter() - start)
        return self._open(step, key)

    def folder(self, step: str, key: str) -> Path:
        """Where the artifact is or would be."""
        return self.root / step / key

    def _partial(self, step: str, key: str) -> Path:
        return self.root / step / f".{key}.partial"

    def _open(self, step: str, key: str) -> Artifact:
        folder = self.folder(step, key)
        manifest = read_manifest(folder)
        if manifest is None:
            raise FileNotFoundError(f"{folder} has no manifest")
        return Artifact(step, key, folder, manifest)

    def _look(self, step: str, key: str, title: str, remove: bool = False) -> Artifact | None:
        """The artifact if it is there and whole; with `remove`, and the lock held, a broken one is cleared away."""
        folder = self.folder(step, key)
        if not folder.exists():
            return None
        manifest = read_manifest(folder)
        wrong = "its manifest is missing or unreadable" if manifest is None else fault(folder, manifest, thorough=False)
        if wrong is None and manifest is not None:
            log.info("%s: found in the store", title)
            return Artifact(step, key, folder, manifest)
        if remove:
            log.warning("%s: %s; it is removed and made again", title, wrong)
            shutil.rmtree(folder)
        return None

    @contextmanager
    def _locked(self, step: str, key: str, title: str) -> Iterator[None]:
        lock = FileLock(self.lock_file(step, key))
        try:
            (self.root / step).mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("%s: another process is making it; waiting", title)
                lock.acquire()
        except OSError as error:
            raise LabradorError(f"store={self.root}: a writable folder was expected ({error.strerror})") from error
        try:
            yield
        finally:
            lock.release()

    def lock_file(self, step: str, key: str) -> Path:
        """The lock held while the artifact is made."""
        return self.root / step / f".{key}.lock"

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """(step, key, folder) of everything kept in the store, whole or not."""
        for folder in sorted(self.root.glob("*/*")):
            if folder.is_dir() and not folder.name.startswith(".") and folder.parent.name != "raw":
                yield folder.parent.name, folder.name, folder


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
