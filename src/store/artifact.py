"""An artifact: a folder of files, with a manifest of what made them and what they must hold."""

import importlib.metadata
import json
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..machine.files import sha256
from .keys import Recipe

MANIFEST = "manifest.json"
ENTRY = {"size", "mtime_ns", "sha256"}  # of a file in a manifest
LINKED = 32 * 2**20  # bytes: larger files are hard-linked into a run's folder, not copied
ALWAYS_HASHED = 32 * 2**20  # bytes: files up to this size are hashed when found, larger ones if they changed
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
        """How long it took to make, over all processes if killed ones were continued."""
        return float(self.manifest["seconds"])

    @property
    def size(self) -> int:
        """Bytes of its files without the manifest."""
        return sum(entry["size"] for entry in self.manifest["files"].values())

    def fault(self) -> str | None:
        """What is wrong with its files; None if they are as in the manifest."""
        return fault(self.folder, self.manifest, thorough=False)

    def place(self, name: str, folder: Path) -> None:
        """Put one of its files into another folder: a hard link if it is large and the disk can, else a copy.

        `fault` notices when the linked file is changed there: size, time or hash differ.
        """
        source, target = self.folder / name, folder / name
        target.unlink(missing_ok=True)  # it may be a hard link to another artifact's file
        try:
            if source.stat().st_size > LINKED:
                with suppress(OSError):  # across disks there are none
                    os.link(source, target)
                    return
            shutil.copyfile(source, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise


def made_with() -> dict[str, Any]:
    """The versions of the libraries and, in a checkout, the git commit."""
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"labrador": importlib.metadata.version("labrador"), "libraries": installed, "git_commit": git_commit()}


def git_commit() -> str | None:
    """The commit of the checkout that this code is from; None outside one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def write_manifest(folder: Path, about: dict[str, Any]) -> None:
    """Write the manifest of a folder: `about` its making, and the size, time and hash of every file."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            status = path.stat()
            name = path.relative_to(folder).as_posix()
            files[name] = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256(path)}
    (folder / MANIFEST).write_text(json.dumps({**about, "files": files}, indent=1))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of an artifact's folder; None if it is missing or unreadable."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return manifest if _well_formed(folder, manifest) else None


def _well_formed(folder: Path, manifest: Any) -> bool:
    """Whether a manifest has the form that the store gives it, names files, and belongs to this folder."""
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
    """What is wrong with an artifact's files; None if they are as in the manifest.

    Small files are hashed; a larger one only if `thorough` or if its modification time differs (after a copy of the
    store, say), which is then reset, so that it is hashed once.
    """
    for name, entry in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        status = path.stat()
        if status.st_size != entry["size"]:
            return f"{name} has {status.st_size:,} bytes, expected {entry['size']:,}"
        touched = status.st_mtime_ns != entry["mtime_ns"]
        if thorough or touched or entry["size"] <= ALWAYS_HASHED:
            if sha256(path) != entry["sha256"]:
                return f"{name} has changed (its sha256 differs)"
            if touched and os.access(path, os.W_OK):
                os.utime(path, ns=(status.st_atime_ns, entry["mtime_ns"]))
    return None
