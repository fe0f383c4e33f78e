"""Files written whole, under a temporary name until the disk has them; their hashes."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(path: Path) -> None:
    """Wait until the disk has a file, or a folder and everything in it."""
    for inner in path.rglob("*") if path.is_dir() else ():
        sync(inner)
    sync(path)


def unfinished(path: Path) -> Path:
    """The temporary name of a file or folder, next to `path`."""
    return path.with_name(f".{path.name.lstrip('.')}.partial")


def finish(path: Path) -> None:
    """Give what lies under `unfinished(path)` its name, once the disk has it."""
    sync_tree(unfinished(path))
    unfinished(path).replace(path)
    sync(path.parent)


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """Give the temporary name to write a file or folder under; `path` is replaced when the block ends.

    What a killed process left there is removed first. An error leaves nothing there, and `path` as it was.
    """
    temporary = unfinished(path)
    remove(temporary)
    try:
        yield temporary
        finish(path)
    except BaseException:
        remove(temporary)
        raise


def remove(path: Path) -> None:
    """Remove a file, or a folder and everything in it; does nothing if there is neither."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
