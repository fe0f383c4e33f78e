"""Finds passages by title and text, for training files whose contexts have no ids.

A 64-bit hash and a row, 12 bytes, are held of each passage. Where hashes are equal the texts themselves are compared.
"""

import hashlib
from pathlib import Path

import numpy as np

from ..machine.progress_bar import bar
from .arrow_files import Columns
from .schema import PASSAGES_FILE


class TextIndex:
    """Finds the passages with a title and a text, up to white space."""

    def __init__(self, folder: Path) -> None:
        """Read all passages of a converted folder."""
        self._columns = Columns(folder / PASSAGES_FILE)
        hashes = np.empty(len(self._columns), dtype=np.uint64)
        done = 0
        with bar("indexing texts", " passages", total=len(hashes)) as shown:
            for titles, texts in self._columns.scan(("title", "text")):
                found = [_hash(*_words(title, text)) for title, text in zip(titles, texts, strict=True)]
                hashes[done : done + len(found)] = found
                done += len(found)
                shown.update(len(found))
        self._rows = np.argsort(hashes, kind="stable").astype(np.uint32)
        self._hashes = hashes[self._rows]

    def pids(self, title: str, text: str) -> list[str]:
        """The ids of the passages with that title and text."""
        words = _words(title, text)
        wanted = np.uint64(_hash(*words))
        start, stop = np.searchsorted(self._hashes, wanted), np.searchsorted(self._hashes, wanted, side="right")
        found = self._columns.take(self._rows[start:stop], ("pid", "title", "text"))
        return [pid for pid, *its in zip(*found, strict=True) if _words(*its) == words]


def _words(title: str, text: str) -> tuple[str, str]:
    return " ".join(title.split()), " ".join(text.split())


def _hash(title: str, text: str) -> int:
    both = f"{title}\n{text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(both, digest_size=8).digest(), "little")
