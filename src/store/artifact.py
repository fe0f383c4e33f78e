"""One artifact: a folder of files and the manifest that says what made them and what they must hold."""

import functools
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .keys import Recipe

MANIFEST = "manifest.json"
ENTRY = {"size", "mtime_ns", "sha256"}  # what a manifest says of a file
LINKED = 32 * 2**20  # bytes: a larger file is put into a run's folder as a second name of it, not as a copy
ALWAYS_HASHED = 32 * 2**20  # bytes: files up to this size are hashed at every opening, larger ones when they changed
LIBRARIES = (
    "accelerate",
    "bm25s",
    "faiss-cpu",
    "faiss-gpu",
    "ir-measures",
    "numpy",
    "pyarrow",
    "torch",
    "transformers",
)


@dataclass(frozen=True)
class Artifact:
    """A whole artifact in the store."""

    step: str
    key: str
    folder: Path
    manifest: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took to make: all processes together, where killed ones were continued."""
        return float(self.manifest["seconds"])

    @property
    def size(self) -> int:
        """Bytes of its files, the manifest not counted."""
        return sum(entry["size"] for entry in self.manifest["files"].values())

    def fault(self) -> str | None:
        """What is wrong with its files, in words; None when they are what the manifest says."""
        return fault(self.folder, self.manifest, thorough=False)

    def place(self, name: str, folder: Path) -> None:
        """Put one of its files into another folder: a copy, or of a large one a second name where the disk can.

        What is done to that file later does not get past `fault`: it has another size, time or hash then.
        """
        source, target = self.folder / name, folder / name
        target.unlink(missing_ok=True)  # it may be a second name of another artifact's file
        try:
            if source.stat().st_size > LINKED:
                with suppress(OSError):  # other disks have no such names
                    os.link(source, target)
                    return
            shutil.copyfile(source, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def made_with() -> dict[str, Any]:
    """Library versions and, in a checkout, the git commit."""
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"labrador": importlib.metadata.version("labrador"), "libraries": installed, "git_commit": git_commit()}


@functools.cache
def git_commit() -> str | None:
    """The commit of the checkout this code runs from, None outside one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def write_manifest(folder: Path, made_by: dict[str, Any], seconds: float, resumed: bool) -> None:
    """Describe every file below `folder` in a manifest."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            status = path.stat()
            name = path.relative_to(folder).as_posix()
            files[name] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256(path)}
    manifest = {**made_by, "seconds": round(seconds, 3), "resumed": resumed, "files": files, "made_with": made_with()}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of an artifact's folder; None where it is missing or unreadable."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return manifest if _well_formed(folder, manifest) else None


def _well_formed(folder: Path, manifest: Any) -> bool:
    """Whether a manifest has the shape that `write_manifest` gives it, names files, and belongs to this folder."""
    if not isinstance(manifest, dict):
        return False
    files = manifest.get("files")
    made_by: dict[str, Any] = {name: manifest.get(name) for name in ("step", "version", "config", "inputs")}
    if not isinstance(manifest.get("seconds"), (int, float)) or not isinstance(files, dict) or not files:
        return False
    whole = all(isinstance(entry, dict) and entry.keys() >= ENTRY for entry in files.values())
    maps = all(isinstance(made_by[name], dict) for name in ("config", "inputs"))
    return whole and maps and folder.name == Recipe(**made_by).key


def fault(folder: Path, manifest: dict[str, Any], thorough: bool) -> str | None:
    """What is wrong with an artifact's files, in words; None when they are what the manifest says.

    Small files are hashed; a larger one is hashed if `thorough` or if its time of change is not the recorded one
    (after a copy of the store, say), and then given the recorded time back, so that it is hashed once.
    """
    for name, entry in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        status = path.stat()
        if status.st_size != entry["size"]:
            return f"{name} has {status.st_size:,} bytes, {entry['size']:,} expected"
        touched = status.st_mtime_ns != entry["mtime_ns"]
        if thorough or touched or entry["size"] <= ALWAYS_HASHED:
            if sha256(path) != entry["sha256"]:
                return f"{name} does not hold what was written (its sha256 differs)"
            if touched and os.access(path, os.W_OK):
                os.utime(path, ns=(status.st_atime_ns, entry["mtime_ns"]))
    return None
