"""A long array made in shards."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labrador.arrays.shards import Plan, begun, write_shards

WHOLE = np.arange(20).reshape(10, 2).astype(np.float16)


class Maker:
    """Gives rows of `WHOLE` and remembers which; is interrupted when asked for the row `stop`."""

    def __init__(self, stop: int = len(WHOLE)) -> None:
        self.stop, self.asked = stop, []

    def __call__(self, first: int, last: int, progress: Callable[[int], Any]) -> np.ndarray:
        if last > self.stop:
            raise InterruptedError
        self.asked.append((first, last))
        progress(last - first)
        return WHOLE[first:last]


def write(out: Path, make: Maker, shard_size: int = 4, rows: int = 10) -> np.ndarray:
    write_shards(out, Plan((rows, 2), np.float16, shard_size), make, verb="making", unit=" rows")
    return np.load(out)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """What a run leaves that is stopped in its second shard."""
    with pytest.raises(InterruptedError):
        write(tmp_path / "a.npy", Maker(stop=5))
    return tmp_path / "a.npy"


@pytest.mark.parametrize(
    ("shard_size", "asked"), [(4, [(0, 4), (4, 8), (8, 10)]), (5, [(0, 5), (5, 10)]), (99, [(0, 10)])]
)
def test_every_row_is_made_once_and_nothing_else_is_left(tmp_path: Path, shard_size: int, asked: list[Any]):
    make = Maker()
    found = write(tmp_path / "a.npy", make, shard_size)
    assert found.dtype == np.float16
    assert np.array_equal(found, WHOLE)
    assert make.asked == asked
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize("shape", [(3,), (3, 2, 2)])
def test_rows_may_have_any_shape(tmp_path: Path, shape: tuple[int, ...]):
    whole = np.arange(np.prod(shape)).reshape(shape)

    def make(first: int, last: int, progress: Callable[[int], Any]) -> np.ndarray:
        return whole[first:last]

    write_shards(tmp_path / "a.npy", Plan(shape, np.int64, 2), make, verb="making", unit=" rows")
    assert np.array_equal(np.load(tmp_path / "a.npy"), whole)


def test_no_rows_at_all(tmp_path: Path):
    assert write(tmp_path / "a.npy", Maker(stop=-1), rows=0).shape == (0, 2)


def test_an_interrupted_run_goes_on_where_it_stopped(broken: Path):
    assert begun(broken)
    make = Maker()
    assert np.array_equal(write(broken, make), WHOLE)
    assert make.asked == [(4, 8), (8, 10)]
    assert not begun(broken)


def test_another_plan_starts_anew(broken: Path):
    make = Maker()
    assert np.array_equal(write(broken, make, rows=9), WHOLE[:9])
    assert make.asked == [(0, 4), (4, 8), (8, 9)]


@pytest.mark.parametrize("lost", ["a.npy", "a.npy.shards/plan.json"])
def test_without_the_file_or_its_plan_it_starts_anew(broken: Path, lost: str):
    (broken.parent / lost).unlink()
    make = Maker()
    assert np.array_equal(write(broken, make), WHOLE)
    assert make.asked == [(0, 4), (4, 8), (8, 10)]


def test_a_finished_array_is_made_again(tmp_path: Path):
    """Whether it needs to be made is not for this function to know."""
    write(tmp_path / "a.npy", Maker())
    make = Maker()
    write(tmp_path / "a.npy", make)
    assert make.asked == [(0, 4), (4, 8), (8, 10)]


def test_each_process_makes_its_own_shards(broken: Path, monkeypatch: pytest.MonkeyPatch):
    """The second of two processes makes the shards 1, 3, ...; what is done is known from the folder alone."""
    monkeypatch.setattr("labrador.machine.processes.world_size", lambda: 2)
    monkeypatch.setattr("labrador.machine.processes.rank", lambda: 1)
    monkeypatch.setattr("labrador.machine.processes.barrier", lambda: None)
    plan = broken.with_name("a.npy.shards") / "plan.json"
    assert json.loads(plan.read_text())["shard_size"] == 4
    make = Maker()
    found = write(broken, make)
    assert make.asked == [(4, 8)]
    assert np.array_equal(found, np.concatenate([WHOLE[:8], np.zeros((2, 2))]))
    assert begun(broken)  # the first process tidies up
