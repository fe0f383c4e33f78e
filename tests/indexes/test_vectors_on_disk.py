"""Some vectors of a memory map: which are read, and what the kernel is asked for."""

import mmap
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from labrador.indexes import vectors_on_disk as module
from labrador.indexes.vectors_on_disk import BLOCK, VectorsOnDisk, page_ranges

PAGE = mmap.PAGESIZE


def saved(path: Path, count: int, dimension: int, dtype: type = np.float32) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((count, dimension), dtype=np.float32).astype(dtype)
    with path.open("wb") as file:
        np.save(file, x)
        file.flush()
        os.fsync(file.fileno())  # pages that are not on the disk yet cannot be dropped
    return x


def drop(path: Path) -> None:
    """Take the file's pages out of memory, where no map holds them and the file system can."""
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


class Requests:
    """A memory map that keeps what it is asked for."""

    def __init__(self, inner: mmap.mmap):
        self.inner, self.ranges = inner, []

    def madvise(self, option, start, length):
        assert option == mmap.MADV_WILLNEED
        self.ranges.append((start, length))
        self.inner.madvise(option, start, length)


def watched(vectors: np.ndarray) -> tuple[VectorsOnDisk, Requests]:
    reader = VectorsOnDisk(vectors)
    reader._map = Requests(reader._map)
    return reader, reader._map


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("dimension", [1, 5, 384, 1030])
@pytest.mark.parametrize("cold", [False, True])
def test_vectors_of_a_memory_map(tmp_path, dtype, dimension, cold):
    x = saved(tmp_path / "x.npy", 3000, dimension, dtype)
    if cold:
        drop(tmp_path / "x.npy")
    reader = VectorsOnDisk(np.load(tmp_path / "x.npy", mmap_mode="r"))
    for count in (0, 1, 70, 2 * BLOCK + 3, 3000):
        rows = np.sort(np.random.default_rng(1).choice(3000, count, replace=False))
        read = reader(rows)
        assert read.dtype == dtype
        assert (read == x[rows]).all()


@pytest.mark.parametrize("dimension", [5, 1030])
def test_every_kind_of_array_gives_the_same_vectors(tmp_path, dimension):
    x = saved(tmp_path / "x.npy", 200, dimension)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(x))
    x.tofile(tmp_path / "raw")
    mapped, private = (np.load(tmp_path / "x.npy", mmap_mode=mode) for mode in ("r", "c"))
    private[7] = 3
    rows = np.array([0, 7, 8, 100])
    plain = [x, x[::2], mapped[50:], mapped[:, 1:], private, np.load(tmp_path / "fortran.npy", mmap_mode="r")]
    for vectors in plain:
        reader = VectorsOnDisk(vectors)
        assert reader._map is None
        assert (reader(rows[rows < len(vectors)]) == vectors[rows[rows < len(vectors)]]).all()
    first = 4 * dimension
    for offset in (0, first * 3, first * 150):  # rows that begin in the first page, and in a later one
        part = np.memmap(tmp_path / "raw", np.float32, "r", offset, (50, dimension))
        reader = VectorsOnDisk(part)
        assert reader._map is not None
        assert reader._start == offset % PAGE
        assert (reader(rows[:3]) == x[offset // first :][rows[:3]]).all()


def test_page_ranges_worked_out_by_hand():
    half = PAGE // 2
    of = [page_ranges(np.array(rows), start, size) for rows, start, size in [
        ([0], 0, half),  # the first page
        ([0, 1], 0, half),  # both in the first page
        ([0, 1], half, PAGE),  # row 0: pages 0 and 1; row 1: pages 1 and 2
        ([0, 2], 0, PAGE),  # a page between them
        ([0, 2, 3, 9], 0, PAGE),  # rows 2 and 3 touch
        ([3], 128, 2 * PAGE),  # row 3 begins 128 bytes into page 6 and ends in page 8
    ]]  # fmt: skip
    pages = [[(start // PAGE, length // PAGE) for start, length in ranges] for ranges in of]
    assert pages == [[(0, 1)], [(0, 1)], [(0, 3)], [(0, 1), (2, 1)], [(0, 1), (2, 2), (9, 1)], [(6, 3)]]


@pytest.mark.parametrize("row_bytes", [2, 768, 3072, 4096, 9000])
def test_page_ranges_are_the_pages_of_the_rows_and_no_others(row_bytes):
    rows = np.sort(np.random.default_rng(0).choice(5000, 700, replace=False))
    begins = [128 + row * row_bytes for row in rows.tolist()]
    wanted = {page for begin in begins for page in range(begin // PAGE, (begin + row_bytes - 1) // PAGE + 1)}
    ranges = page_ranges(rows, 128, row_bytes)
    asked = [page for start, length in ranges for page in range(start // PAGE, (start + length) // PAGE)]
    assert asked == sorted(wanted)  # each once
    assert all(a + length < b for (a, length), (b, _) in pairwise(ranges))  # no two touch


def test_vectors_in_memory_are_not_requested(tmp_path, monkeypatch):
    x = saved(tmp_path / "x.npy", 500, 384)
    monkeypatch.setattr(module, "disk_reads", lambda: 7)
    reader, requests = watched(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert (reader(np.arange(0, 500, 3)) == x[::3]).all()
    assert requests.ranges == []


@pytest.mark.parametrize("cold", [0, 3, 7])
def test_vectors_are_requested_once_one_of_those_checked_came_from_the_disk(tmp_path, monkeypatch, cold):
    x = saved(tmp_path / "x.npy", 500, 384)
    reads = iter([0] * (cold + 1) + [1] * 10)  # before, and after each row looked at
    monkeypatch.setattr(module, "disk_reads", lambda: next(reads))
    reader, requests = watched(np.load(tmp_path / "x.npy", mmap_mode="r"))
    rows = np.arange(500)
    assert (reader(rows) == x).all()
    assert requests.ranges == page_ranges(rows, 128, 4 * 384)


def test_only_blocks_with_vectors_on_the_disk_are_requested(tmp_path, monkeypatch):
    count = 3 * BLOCK + 100
    x = saved(tmp_path / "x.npy", count, 8)
    reader, requests = watched(np.load(tmp_path / "x.npy", mmap_mode="r"))
    monkeypatch.setattr(reader, "_on_disk", lambda block: BLOCK <= block[0] < 2 * BLOCK or block[-1] == count - 1)
    rows = np.arange(count)
    assert (reader(rows) == x).all()
    assert requests.ranges == page_ranges(rows[BLOCK : 2 * BLOCK], 128, 32) + page_ranges(rows[3 * BLOCK :], 128, 32)


def test_a_file_that_is_not_in_memory_is_noticed(tmp_path):
    path = tmp_path / "x.npy"
    x = saved(path, 20_000, 384)
    drop(path)
    reader, requests = watched(np.load(path, mmap_mode="r"))
    before = module.disk_reads()
    assert (reader._vectors[-1] == x[-1]).all()
    if module.disk_reads() == before:
        pytest.skip("this file system keeps its pages in memory")
    rows = np.arange(0, 15_000, 50)
    assert (reader(rows) == x[rows]).all()
    assert requests.ranges == page_ranges(rows, 128, 4 * 384)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux to tell")
def test_the_map_that_was_given_keeps_its_read_ahead(tmp_path):
    saved(tmp_path / "only-here.npy", 500, 384)
    given = np.load(tmp_path / "only-here.npy", mmap_mode="r")

    def random() -> list[bool]:
        """For each map of the file, whether it is read without read-ahead."""
        maps = Path("/proc/self/smaps").read_text().split("VmFlags:")
        return [" rr" in after.splitlines()[0] for before, after in pairwise(maps) if "only-here.npy" in before]

    assert random() == [False]
    reader = VectorsOnDisk(given)
    assert sorted(random()) == [False, True]
    reader(np.arange(100))
    assert sorted(random()) == [False, True]


def test_without_madvise_vectors_are_copied(tmp_path, monkeypatch):
    x = saved(tmp_path / "x.npy", 500, 384)
    monkeypatch.delattr(mmap, "MADV_RANDOM")
    reader = VectorsOnDisk(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert reader._map is None
    assert (reader(np.arange(0, 500, 3)) == x[::3]).all()
