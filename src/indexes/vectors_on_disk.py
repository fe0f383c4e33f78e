"""A few vectors at a time from a file that may be larger than free memory (BiDR, section 3.4)."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import Vectors
from .base import Ints

BLOCK = 1024  # vectors that are checked to be in memory, or requested, together
PROBED = 64  # one of this many vectors is checked


class VectorsOnDisk:
    """Reads some of `vectors` [N, D], float32 or float16: a read-only memory map of a file, or any other array.

    The disk gives a memory map one page after the other, each with the kernel's read-ahead around it, which holds no
    other candidate. So the file is mapped a second time without read-ahead (a scan of the first map needs it), and
    where one of a few vectors is not in memory, the kernel is asked for all of them at once and reads them in parallel.
    Asking takes several times as long as copying from memory, which is why a few are checked first. Measured by
    benchmarks/rerank.py. Without `madvise` in the system, vectors are copied as they come.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = np.asarray(vectors)
        self._map: mmap.mmap | None = None
        if not hasattr(mmap, "MADV_RANDOM") or not isinstance(vectors, np.memmap) or not _is_whole_file(vectors):
            return
        file: Any = vectors.filename
        own: Any = np.memmap(file, vectors.dtype, "r", vectors.offset, vectors.shape)
        own.base.madvise(mmap.MADV_RANDOM)
        self._vectors, self._map = np.asarray(own), own.base
        self._start = vectors.offset % mmap.ALLOCATIONGRANULARITY  # of the first vector in the map

    def __call__(self, rows: Ints) -> NDArray[np.floating]:
        """The vectors [n, D] of passages `rows` [n], in rising order."""
        if self._map is not None:
            for first in range(0, len(rows), BLOCK):
                block = rows[first : first + BLOCK]
                if self._on_disk(block):
                    for start, length in page_ranges(block, self._start, self._vectors.strides[0]):
                        self._map.madvise(mmap.MADV_WILLNEED, start, length)
        return self._vectors[rows]

    def _on_disk(self, rows: Ints) -> bool:
        """Whether one of the vectors checked had to be read from the disk."""
        before = disk_reads()
        for row in rows[::PROBED].tolist():
            _ = self._vectors[row, 0], self._vectors[row, -1]
            if disk_reads() > before:
                return True
        return False


def page_ranges(rows: Ints, start: int, row_bytes: int) -> list[tuple[int, int]]:
    """The ranges of pages (first byte, length) of rising `rows` [n > 0] in a map whose row 0 begins at byte `start`.

    Rows on the same or neighbouring pages share a range.
    """
    begins = start + rows * row_bytes
    first, last = begins // mmap.PAGESIZE, (begins + row_bytes - 1) // mmap.PAGESIZE
    gaps = np.flatnonzero(first[1:] > last[:-1] + 1)
    first, last = first[np.append(0, gaps + 1)], last[np.append(gaps, len(rows) - 1)]
    return list(zip((first * mmap.PAGESIZE).tolist(), ((last - first + 1) * mmap.PAGESIZE).tolist(), strict=True))


def disk_reads() -> int:
    """How often this thread (or process, where the system counts no threads) has waited for a page to be read."""
    import resource

    who = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
    return resource.getrusage(who).ru_majflt


def _is_whole_file(vectors: np.memmap[Any, Any]) -> bool:
    """Whether `vectors` is a memory map as opened: a slice does not know where in the file it begins."""
    file: object = vectors.base
    opened = isinstance(file, mmap.mmap) and vectors.filename is not None and vectors.mode == "r"
    return opened and vectors.ndim == 2 and vectors.flags.c_contiguous
