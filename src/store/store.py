"""Making artifacts: once, whole, by one process at a time."""

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import LabradorError, is_disk_full
from ..machine import processes
from ..machine.measuring import working
from .artifact import Artifact, fault, read_manifest, write_manifest
from .clock import Clock
from .keys import artifact_key

log = logging.getLogger(__name__)

Write = Callable[[Path], float | None]  # fills a folder; see Store.make for what it may return


@dataclass(frozen=True)
class _Job:
    """One artifact that is asked for: what makes it, and what the log calls it."""

    step: str
    key: str
    made_by: dict[str, Any]
    write: Write
    resumable: bool
    title: str


class Store:
    """A folder of artifacts: root/STEP/KEY/, beside each a lock and, while it is made, a `.KEY.partial` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(
        self,
        step: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        write: Write,
        *,
        version: int = 1,
        resumable: bool = False,
        collective: bool = False,
        about: str = "",
    ) -> Artifact:
        """Find the artifact of (step, version, config, inputs), or have `write(folder)` fill a folder and keep that.

        An exception in `write` leaves nothing behind. With `resumable`, what a killed `write` left is handed to the
        next one, and only a LabradorError clears it. With `collective`, every process of a distributed run calls
        `write` on the same folder; otherwise the main one alone. `about` says in the log what is made. `write` may
        return the seconds of work that it found done in another artifact; they are counted with its own.
        """
        key = artifact_key(step, version, config, inputs)
        made_by = {"step": step, "version": version, "config": dict(config), "inputs": dict(inputs)}
        title = f"{step} {key[:8]}" + (f" ({about})" if about else "")
        job = _Job(step, key, made_by, write, resumable, title)
        if processes.world_size() > 1:
            return self._make_together(job, collective)
        return self._look(job) or self._make_alone(job)

    def find(
        self, step: str, config: Mapping[str, Any], inputs: Mapping[str, str], *, version: int = 1
    ) -> Artifact | None:
        """The artifact of (step, version, config, inputs) if it is there and whole; nothing is made."""
        key = artifact_key(step, version, config, inputs)
        return self._look(_Job(step, key, {}, lambda folder: None, False, f"{step} {key[:8]}"))

    def has(self, step: str, config: Mapping[str, Any], inputs: Mapping[str, str], *, version: int = 1) -> bool:
        """Whether the artifact is there and whole, so that `make` will only find it."""
        folder = self.folder(step, artifact_key(step, version, config, inputs))
        manifest = read_manifest(folder)
        return manifest is not None and fault(folder, manifest, thorough=False) is None

    def by_key(self, key: str) -> Artifact | None:
        """The artifact of that key, of whatever step, if it has a manifest; its files are not looked at."""
        for folder in self.root.glob(f"*/{key}"):
            manifest = read_manifest(folder)
            if manifest is not None:
                return Artifact(folder.parent.name, key, folder, manifest)
        return None

    def _make_together(self, job: _Job, collective: bool) -> Artifact:
        """`make` in a distributed run: the main process decides, locks and finishes; the others help or wait."""
        if not processes.is_main():
            if processes.broadcast("") == "make" and collective:
                with working():
                    job.write(self._partial(job))
                processes.barrier()  # every process has written its share
            processes.barrier()  # the artifact is in its place
            return self._open(job.step, job.key)

        told = False

        def write_and_wait(folder: Path) -> float | None:
            nonlocal told
            processes.broadcast("make")
            told = True
            elsewhere = job.write(folder)
            if collective:
                processes.barrier()
            return elsewhere

        artifact = self._look(job)
        if artifact is None:
            artifact = self._make_alone(replace(job, write=write_and_wait))
        if not told:
            processes.broadcast("found")
        processes.barrier()
        return artifact

    def _make_alone(self, job: _Job) -> Artifact:
        with self._locked(job):
            found = self._look(job, remove=True)
            if found is not None:  # another process made it while this one waited
                return found
            try:
                return self._write(job)
            except Exception as error:
                if isinstance(error, LabradorError) or not is_disk_full(error):
                    raise
                raise LabradorError(f"store={self.root}: the disk is full; free some, then run again") from error

    def _write(self, job: _Job) -> Artifact:
        """Fill the partial folder and rename it; the lock is held."""
        partial, final = self._partial(job), self.folder(job.step, job.key)
        resumed = job.resumable and any(path.is_file() for path in partial.rglob("*"))
        if partial.exists() and not job.resumable:
            shutil.rmtree(partial)
        partial.mkdir(parents=True, exist_ok=True)
        log.info("%s: %s", job.title, "continuing what was begun" if resumed else "making it")
        noted = self.clock_file(job.step, job.key)
        clock = Clock(noted, going_on=resumed)
        try:
            with working(), clock.noting() if job.resumable else nullcontext():
                elsewhere = job.write(partial) or 0.0
                write_manifest(partial, job.made_by, clock.seconds + elsewhere, resumed)
        except BaseException as error:
            if not job.resumable or isinstance(error, LabradorError):
                shutil.rmtree(partial, ignore_errors=True)
                noted.unlink(missing_ok=True)
            raise
        partial.replace(final)
        noted.unlink(missing_ok=True)
        sync(final.parent)
        log.info("%s: made in %.1f s%s", job.title, clock.seconds, ", all processes together" if resumed else "")
        return self._open(job.step, job.key)

    def folder(self, step: str, key: str) -> Path:
        """Where the artifact is or would be."""
        return self.root / step / key

    def _partial(self, job: _Job) -> Path:
        return self.root / job.step / f".{job.key}.partial"

    def _open(self, step: str, key: str) -> Artifact:
        folder = self.folder(step, key)
        manifest = read_manifest(folder)
        if manifest is None:
            raise FileNotFoundError(f"{folder} has no manifest")
        return Artifact(step, key, folder, manifest)

    def _look(self, job: _Job, remove: bool = False) -> Artifact | None:
        """The artifact if it is there and whole; with `remove`, and the lock held, a broken one is cleared away."""
        folder = self.folder(job.step, job.key)
        if not folder.exists():
            return None
        manifest = read_manifest(folder)
        wrong = "its manifest is missing or unreadable" if manifest is None else fault(folder, manifest, thorough=False)
        if wrong is None and manifest is not None:
            log.info("%s: found in the store", job.title)
            return Artifact(job.step, job.key, folder, manifest)
        if remove:
            log.warning("%s: %s; it is removed and made again", job.title, wrong)
            shutil.rmtree(folder)
        return None

    @contextmanager
    def _locked(self, job: _Job) -> Iterator[None]:
        lock = FileLock(self.lock_file(job.step, job.key))
        try:
            (self.root / job.step).mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("%s: another process is making it; waiting", job.title)
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

    def clock_file(self, step: str, key: str) -> Path:
        """Where the seconds spent on an unfinished artifact that can be continued are noted."""
        return self.root / step / f".{key}.seconds"

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """(step, key, folder) of everything kept in the store, whole or not."""
        for folder in sorted(self.root.glob("*/*")):
            if folder.is_dir() and not folder.name.startswith(".") and folder.parent.name != "raw":
                yield folder.parent.name, folder.name, folder


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
