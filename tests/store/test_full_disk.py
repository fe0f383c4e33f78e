"""A full disk: reported on one line, with nothing half-made left."""

import resource
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labrador.errors import LabradorError, is_disk_full
from labrador.pipeline import leave
from labrador.store import Recipe, Store


def raised_while_handling(error, first):
    try:
        raise first
    except type(first):
        raise error  # noqa: B904


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(27, "File too large"),
        RuntimeError("write error in fwrite: No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
        OSError("150000 requested and 38880 written"),
    ],
)
def test_a_full_disk_is_reported(tmp_path, error):
    def write(folder):
        (folder / "half").write_text("half")
        raise error

    def later(folder):
        raised_while_handling(ValueError("closed file"), error)

    for function in (write, later):
        with pytest.raises(LabradorError, match="the disk is full"):
            Store(tmp_path).make(Recipe("step"), function)
    assert not [path for path in tmp_path.rglob("*") if path.suffix != ".lock" and path.is_file()]


def test_other_errors_are_no_full_disk(tmp_path):
    for error in (OSError(5, "Input/output error"), ValueError("shape"), OSError("3 requested")):
        assert not is_disk_full(error)


BIG = np.random.default_rng(0).random((300, 1000), dtype=np.float32)


def save_torch(path):
    import torch

    torch.save({"a": torch.from_numpy(BIG)}, path)


def save_safetensors(path):
    from safetensors.numpy import save_file

    save_file({"a": BIG}, path)


def save_faiss(path):
    import faiss

    index = faiss.IndexFlatIP(1000)
    index.add(BIG)
    faiss.write_index(index, str(path))


def save_arrow(path):
    table = pa.table({"a": pa.array(BIG.ravel().astype(str)[:100_000])})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    "save",
    [
        lambda path: np.save(path, BIG),
        lambda path: np.save(path, np.asfortranarray(BIG)),
        lambda path: BIG.tofile(path),
        lambda path: path.write_bytes(BIG.tobytes()),
        lambda path: pq.write_table(pa.table({"a": pa.array(BIG.ravel())}), path),
        save_arrow,
        save_faiss,
        save_safetensors,
        save_torch,
    ],
)
def test_whoever_writes_a_file_its_disk_has_no_room_for_is_understood(tmp_path, save):
    """The limit of a file's size (ulimit -f) stands in for a disk that is full: writing stops half way in both."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011  of whatever type
            save(tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert is_disk_full(caught.value), caught.value


def test_a_full_disk_under_the_run_folder_is_reported_and_leaves_no_result(tmp_path):
    def write(folder):
        (folder / "run.trec").write_text("q1 Q0 p1 1 0.5 bm25\n")
        (folder / "per_query.parquet").write_bytes(b"figures")

    def full(path):
        raise OSError(28, "No space left on device")

    scores = Store(tmp_path / "store").make(Recipe("scores"), write)
    with pytest.raises(LabradorError, match="cell: the disk is full; free some"):
        leave(SimpleNamespace(write=full), scores, tmp_path / "cell")
    assert list((tmp_path / "cell").iterdir()) == []
