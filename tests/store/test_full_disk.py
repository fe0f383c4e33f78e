"""A disk that is full: told in one line, with nothing half-made left."""

from types import SimpleNamespace

import pytest

from labrador import pipeline
from labrador.errors import LabradorError
from labrador.store import Store


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("write error in fwrite: No space left on device")]
)
def test_a_full_disk_is_told(tmp_path, error):
    def write(folder):
        raise error

    with pytest.raises(LabradorError, match="the disk is full"):
        Store(tmp_path).make("step", {}, {}, write)


def test_a_full_disk_under_the_run_folder_is_told_and_leaves_no_result(tmp_path, monkeypatch):
    def write(folder):
        (folder / "run.trec").write_text("q1 Q0 p1 1 0.5 bm25\n")
        (folder / "per_query.parquet").write_bytes(b"figures")

    def full(path):
        path.with_name(f".{path.name}.partial").write_text("{")
        raise OSError(28, "No space left on device")

    scores = Store(tmp_path / "store").make("scores", {}, {}, write)
    with pytest.raises(LabradorError, match="cell: the disk is full; free some"):
        pipeline._leave(SimpleNamespace(write=full), scores, tmp_path / "cell")
    assert list((tmp_path / "cell").iterdir()) == []
