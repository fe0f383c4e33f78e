"""The store makes artifacts once, whole, and by one process at a time."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import LabradorError, is_disk_full
from ..machine import processes
from ..machine.files import finish, remove, unfinished
from ..machine.measuring import working
from .artifact import Artifact, fault, made_with, read_manifest, write_manifest
from .clock import Clock
from .keys import Recipe

log = logging.getLogger(__name__)

Write = Callable[[Path], float | None]  # fills a folder; see Store.make for what it may return


class Store:
    """A folder of artifacts, root/STEP/KEY/, each with a lock and, while it is made, a `.KEY.partial` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self, recipe: Recipe, write: Write) -> Artifact:
        """Find the artifact of `recipe`, or let `write(folder)` fill a folder and keep that.

        An exception in `write` clears the folder; if the recipe is resumable, only a LabradorError does, and the next
        `write` gets what a killed one left. If it is collective, every process of a distributed run calls `write` on
        the same folder, otherwise only the main one. `write` may return seconds of work done for another artifact,
        which are added to its own.
        """
        if processes.world_size() > 1:
            return self._make_together(recipe, write)
        return self.find(recipe) or self._make_alone(recipe, write)

    def find(self, recipe: Recipe, remove: bool = False) -> Artifact | None:
        """The artifact if it is there and whole; `remove` (with the lock held) clears a broken one away."""
        folder = self.folder(recipe.step, recipe.key)
        if not folder.exists():
            return None
        manifest = read_manifest(folder)
        wrong = "its manifest is missing or unreadable" if manifest is None else fault(folder, manifest, thorough=False)
        if wrong is None and manifest is not None:
            log.info("%s: found in the store", recipe.title)
            return Artifact(recipe.step, recipe.key, folder, manifest)
        if remove:
            log.warning("%s: %s; removed, to be made again", recipe.title, wrong)
            shutil.rmtree(folder)
        return None

    def has(self, recipe: Recipe) -> bool:
        """Whether the artifact is there and whole."""
        folder = self.folder(recipe.step, recipe.key)
        manifest = read_manifest(folder)
        return manifest is not None and fault(folder, manifest, thorough=False) is None

    def by_key(self, key: str) -> Artifact | None:
        """The artifact with that key, of any step, if it has a manifest; its files are not checked."""
        for folder in self.root.glob(f"*/{key}"):
            manifest = read_manifest(folder)
            if manifest is not None:
                return Artifact(folder.parent.name, key, folder, manifest)
        return None

    def _make_together(self, recipe: Recipe, write: Write) -> Artifact:
        """`make` in a distributed run: the main process decides, locks and finishes; the others help or wait."""
        if not processes.is_main():
            if processes.broadcast("") == "make" and recipe.collective:
                with working():
                    write(self._partial(recipe))
                processes.barrier()  # every process has written its share
            processes.barrier()  # the artifact is in its place
            return self._open(recipe.step, recipe.key)

        announced = False

        def write_and_wait(folder: Path) -> float | None:
            nonlocal announced
            processes.broadcast("make")
            announced = True
            elsewhere = write(folder)
            if recipe.collective:
                processes.barrier()
            return elsewhere

        artifact = self.find(recipe)
        if artifact is None:
            artifact = self._make_alone(recipe, write_and_wait)
        if not announced:
            processes.broadcast("found")
        processes.barrier()
        return artifact

    def _make_alone(self, recipe: Recipe, write: Write) -> Artifact:
        with self._locked(recipe):
            found = self.find(recipe, remove=True)
            if found is not None:  # another process made it while this one waited
                return found
            try:
                return self._write(recipe, write)
            except Exception as error:
                if isinstance(error, LabradorError) or not is_disk_full(error):
                    raise
                raise LabradorError(f"store={self.root}: the disk is full; free some space, then run again") from error

    def _write(self, recipe: Recipe, write: Write) -> Artifact:
        """Fill the partial folder and rename it; the lock is held."""
        partial, final = self._partial(recipe), self.folder(recipe.step, recipe.key)
        resumed = recipe.resumable and any(path.is_file() for path in partial.rglob("*"))
        if not recipe.resumable:
            remove(partial)
        partial.mkdir(parents=True, exist_ok=True)
        log.info("%s: %s", recipe.title, "continuing it" if resumed else "making it")
        noted = self.clock_file(recipe.step, recipe.key)
        clock = Clock(noted, going_on=resumed)
        try:
            with working(), clock.noting() if recipe.resumable else nullcontext():
                elsewhere = write(partial) or 0.0
                seconds = round(clock.seconds + elsewhere, 3)
                about = {"seconds": seconds, "resumed": resumed, "made_with": self._made_with}
                write_manifest(partial, recipe.made_by | about)
            finish(final)
        except BaseException as error:
            if not recipe.resumable or isinstance(error, LabradorError):
                shutil.rmtree(partial, ignore_errors=True)
                noted.unlink(missing_ok=True)
            raise
        noted.unlink(missing_ok=True)
        log.info("%s: made in %.1f s%s", recipe.title, clock.seconds, ", all processes together" if resumed else "")
        return self._open(recipe.step, recipe.key)

    @cached_property
    def _made_with(self) -> dict[str, Any]:
        return made_with()

    def folder(self, step: str, key: str) -> Path:
        """Where the artifact is or would be."""
        return self.root / step / key

    def _partial(self, recipe: Recipe) -> Path:
        return unfinished(self.folder(recipe.step, recipe.key))

    def _open(self, step: str, key: str) -> Artifact:
        folder = self.folder(step, key)
        manifest = read_manifest(folder)
        if manifest is None:
            raise FileNotFoundError(f"{folder} has no manifest")
        return Artifact(step, key, folder, manifest)

    @contextmanager
    def _locked(self, recipe: Recipe) -> Iterator[None]:
        lock = FileLock(self.lock_file(recipe.step, recipe.key))
        try:
            (self.root / recipe.step).mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("%s: another process is making it; waiting", recipe.title)
                lock.acquire()
        except OSError as error:
            raise LabradorError(
                f"store={self.root}: expected a writable folder ({error.strerror}); set another"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def lock_file(self, step: str, key: str) -> Path:
        """The file whose lock is held while the artifact is made."""
        return self.root / step / f".{key}.lock"

    def clock_file(self, step: str, key: str) -> Path:
        """The file that notes the seconds spent on an unfinished, resumable artifact."""
        return self.root / step / f".{key}.seconds"

    def artifacts(self) -> Iterator[tuple[str, str, Path]]:
        """(step, key, folder) of everything kept in the store, whole or not."""
        for folder in sorted(self.root.glob("*/*")):
            if folder.is_dir() and not folder.name.startswith(".") and folder.parent.name != "raw":
                yield folder.parent.name, folder.name, folder
