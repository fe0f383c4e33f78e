"""Duplicate passages: one text under several ids.

Two passages are duplicates if their texts are equal apart from white space and their titles are too, or one has no
title. A duplicate of a query's positive is never a negative of that query. Texts are compared by 64-bit hashes: among
21 million passages the chance that two different texts share one is 1 in 80,000.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..machine.progress_bar import bar
from .arrow_files import Columns

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]
BLANK = 0  # the hash of a blank text
SAMPLE = 1024  # passages of the sample
CHUNK = 1 << 20  # hashes looked up, or rows read, at a time


@dataclass(frozen=True)
class Duplicates:
    """The passages that share their text with others: ascending rows, text numbers, title hashes, each [T]."""

    rows: Rows
    texts: Rows
    titles: Rows

    @classmethod
    def load(cls, path: Path) -> "Duplicates":
        """What `save` wrote."""
        return cls(*np.load(path))

    def save(self, path: Path) -> None:
        """Write the three columns to a .npy file, int64 [3, T]."""
        np.save(path, np.stack([self.rows, self.texts, self.titles]))

    def of(self, lists: Ragged) -> tuple[Rows, Rows]:
        """The duplicates of the passages in `lists`: numbers of the lists and passage rows, [n] each."""
        numbers, passages = np.repeat(np.arange(len(lists)), lists.lengths), np.asarray(lists.values)
        if not len(self.rows):
            return numbers[:0], passages[:0]
        places = np.minimum(np.searchsorted(self.rows, passages), len(self.rows) - 1)
        shared = self.rows[places] == passages
        numbers, places = numbers[shared], places[shared]
        order = np.argsort(self.texts, kind="stable")
        edges = np.searchsorted(self.texts[order], np.arange(self.texts.max() + 2))
        first, counts = edges[self.texts[places]], np.diff(edges)[self.texts[places]]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        others, places = order[np.repeat(first, counts) + within], np.repeat(places, counts)
        titles, own = self.titles[others], self.titles[places]
        same = ((titles == own) | (titles == BLANK) | (own == BLANK)) & (others != places)
        return np.repeat(numbers, counts)[same], self.rows[others[same]]


def find_duplicates(passages: Columns) -> tuple[Duplicates, Rows]:
    """The duplicates among the passages, and the rows of a random sample of the passages, ascending.

    The sample is the SAMPLE texts with the lowest hashes, the same in any order of the passages. The title stands for a
    missing text; a passage without either has no duplicates. Holds about 25 bytes a passage.
    """
    texts = np.fromiter(_hashes(passages), np.uint64, len(passages))
    ordered = np.sort(texts)
    ordered = ordered[np.searchsorted(ordered, BLANK, side="right") :]
    again = ordered[1:] == ordered[:-1]
    repeated = np.unique(ordered[1:][again])
    lowest = ordered[np.concatenate([np.ones(min(1, len(ordered)), np.bool_), ~again])][:SAMPLE]
    sampled = np.flatnonzero(_among(texts, lowest))
    sample = np.sort(sampled[np.unique(texts[sampled], return_index=True)[1]])
    rows = np.flatnonzero(_among(texts, repeated))
    return Duplicates(rows, np.searchsorted(repeated, texts[rows]), _titles(passages, rows)), sample


def _hashes(passages: Columns) -> Iterator[int]:
    with bar("comparing texts", " passages", total=len(passages)) as shown:
        for titles, texts in passages.scan(("title", "text")):
            yield from (text_hash(text) or text_hash(title) for title, text in zip(titles, texts, strict=True))
            shown.update(len(texts))


def _titles(passages: Columns, rows: Rows) -> Rows:
    """The hashes [T] of the titles of `rows` [T]; BLANK if the title stands for the text."""
    hashes = np.zeros(len(rows), dtype=np.uint64)
    for first in range(0, len(rows), CHUNK):
        titles, texts = passages.take(rows[first : first + CHUNK], ("title", "text"))
        hashes[first : first + CHUNK] = [
            text_hash(title) if text.strip() else BLANK for title, text in zip(titles, texts, strict=True)
        ]
    return hashes.view(np.int64)


def _among(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Whether each of `hashes` [N] is in the ascending `known`."""
    found = np.zeros(len(hashes), dtype=np.bool_)
    for first in range(0, len(hashes) if len(known) else 0, CHUNK):
        part = hashes[first : first + CHUNK]
        found[first : first + CHUNK] = known[np.minimum(np.searchsorted(known, part), len(known) - 1)] == part
    return found


def text_hash(text: str) -> int:
    """A 64-bit hash of a text up to white space, the same on every machine; BLANK for a blank text."""
    words = " ".join(text.split())
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "little") if words else BLANK
