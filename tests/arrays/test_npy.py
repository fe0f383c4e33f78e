"""Positioned reads and writes of .npy files."""

import numpy as np
import pytest

from labrador.arrays import npy


def test_rows_written_in_any_order_make_the_file_numpy_would_write(tmp_path):
    rows = np.arange(21, dtype=np.float16).reshape(7, 3)
    npy.create(tmp_path / "a.npy", (7, 3), np.float16)
    npy.write_rows(tmp_path / "a.npy", 5, rows[5:])
    npy.write_rows(tmp_path / "a.npy", 0, rows[:5])
    np.save(tmp_path / "b.npy", rows)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_read_rows_returns_the_slice_and_stops_at_the_end(tmp_path):
    rows = np.arange(20, dtype=np.int64).reshape(10, 2)
    np.save(tmp_path / "a.npy", rows)
    assert npy.read_rows(tmp_path / "a.npy", 3, 6).tolist() == [[6, 7], [8, 9], [10, 11]]
    assert npy.read_rows(tmp_path / "a.npy", 9, 50).tolist() == [[18, 19]]
    assert npy.read_rows(tmp_path / "a.npy", 4, 4).shape == (0, 2)


def test_a_stream_becomes_one_array(tmp_path):
    chunks = [np.arange(3), np.arange(0), np.arange(70_000)]
    npy.write_stream(tmp_path / "a.npy", chunks, np.uint32)
    read = np.load(tmp_path / "a.npy")
    assert read.dtype == np.uint32
    assert np.array_equal(read, np.concatenate(chunks))


def test_streamed_rows_make_the_file_numpy_would_write(tmp_path):
    rows = np.arange(21, dtype=np.uint8).reshape(7, 3)
    npy.write_stream(tmp_path / "a.npy", [rows[:5], rows[5:]], np.uint8, (3,))
    np.save(tmp_path / "b.npy", rows)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert np.array_equal(npy.open_array(tmp_path / "a.npy"), rows)


@pytest.mark.parametrize(
    "rows", [np.zeros((2, 3), np.float64), np.zeros((2, 4), np.float32), np.zeros((4, 3), np.float32)]
)
def test_rows_that_do_not_fit_are_refused(tmp_path, rows):
    npy.create(tmp_path / "a.npy", (3, 3), np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        npy.write_rows(tmp_path / "a.npy", 0, rows)
