""".npy files: opened as memory maps, read and written by position, streamed.

The pages of a memory map count as the process's memory: written through one, 21 million vectors make a process that
grows with the corpus, and under a memory limit a killed one. Positioned reads and writes do not.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..machine.files import sync


class Layout(NamedTuple):
    """The header of a .npy file, and the byte at which its data start."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, one step along the first axis."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


def open_array(path: Path) -> NDArray[Any]:
    """A .npy file as a read-only memory map."""
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array


def layout(path: Path) -> Layout:
    """The header of a .npy file in C order. Raises ValueError for anything else."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{path}: expected .npy version 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran and len(shape) > 1:
            raise ValueError(f"{path}: expected an array in C order")
        return Layout(shape, dtype, file.tell())


def create(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> Layout:
    """Make a .npy file of zeros, which takes space only as rows are written."""
    with path.open("wb") as file:
        start = _write_header(file, shape, np.dtype(dtype))
        made = Layout(shape, np.dtype(dtype), start)
        file.truncate(start + shape[0] * made.row_bytes)
    return made


def write_rows(path: Path, first: int, rows: NDArray[Any]) -> None:
    """Write `rows` over those from `first` on, and wait until the disk has them."""
    into = layout(path)
    if rows.dtype != into.dtype or rows.shape[1:] != into.shape[1:] or first + len(rows) > into.shape[0]:
        raise ValueError(f"{path}: {rows.dtype} {rows.shape} at row {first} does not fit {into.dtype} {into.shape}")
    with path.open("r+b") as file:
        file.seek(into.start + first * into.row_bytes)
        file.write(np.ascontiguousarray(rows).data)
    sync(path)


def read_rows(path: Path, first: int, last: int) -> NDArray[Any]:
    """Rows first..last (exclusive) of a .npy file, in memory."""
    source = layout(path)
    count = max(0, min(last, source.shape[0]) - first)
    flat = np.fromfile(
        path,
        source.dtype,
        count * source.row_bytes // source.dtype.itemsize,
        offset=source.start + first * source.row_bytes,
    )
    return flat.reshape(count, *source.shape[1:])


def write_stream(path: Path, chunks: Iterable[NDArray[Any]], dtype: DTypeLike, row: tuple[int, ...] = ()) -> None:
    """Write arrays [n, *row] one after another as a single array of `dtype`."""
    total = 0
    with path.open("wb") as file:
        start = _write_header(file, (0, *row), np.dtype(dtype))
        for chunk in chunks:
            file.write(np.ascontiguousarray(chunk, dtype=dtype).data)
            total += len(chunk)
        file.seek(0)
        if _write_header(file, (total, *row), np.dtype(dtype)) != start:  # numpy pads headers for this
            raise ValueError(f"{path}: the header outgrew its place")


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    description = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": description, "fortran_order": False, "shape": shape})
    return file.tell()
