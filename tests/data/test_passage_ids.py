"""The keys of ids, and finding rows by id, also where hashes collide."""

import numpy as np
import pytest

from labrador.data import passage_ids
from labrador.data.passage_ids import PidIndex, pid_keys

SEED = 3


def index_of(ids):
    """The index of ids, sorted as a corpus is."""
    ordered = [pid for _, pid in sorted(zip(pid_keys(ids, SEED).tolist(), ids, strict=True))]
    return PidIndex(pid_keys(ordered, SEED), lambda rows: [ordered[row] for row in rows], SEED), ordered


@pytest.fixture(params=["real", "colliding"])
def hashing(request, monkeypatch):
    """The real hash, and one that only looks at an id's length."""
    if request.param == "colliding":
        monkeypatch.setattr(passage_ids, "pid_hash", lambda pid: len(pid).to_bytes(8, "little"))


@pytest.mark.usefixtures("hashing")
def test_every_id_is_found_and_no_other():
    index, ordered = index_of(["b", "a", "cc", "dd", "aa", "é", "x1"])
    asked = ["aa", "b", "zz", "a", "x1", "cc", "é", "none", "c", ""]
    known = [ordered.index(pid) if pid in ordered else -1 for pid in asked]
    assert index.rows(asked).tolist() == known
    assert index.rows([]).tolist() == []
    assert index.first_repeated(np.arange(7, dtype=np.uint32)) is None


@pytest.mark.usefixtures("hashing")
def test_the_first_repeated_id_of_the_file_is_found_behind_its_first(monkeypatch):
    monkeypatch.setattr(passage_ids, "COMPARED_TOGETHER", 2)
    for lines, place, first in ((["a", "b", "cc", "b", "a", "x1", "a"], 3, 1), (["a", "b", "aa", "a", "a"], 3, 0)):
        index, ordered = index_of(lines)
        order = sorted(range(len(lines)), key=lambda line: (int(pid_keys([lines[line]], SEED)[0]), lines[line], line))
        row = index.first_repeated(np.array(order, dtype=np.uint32))
        assert (order[row], order[row - 1]) == (place, first)
        assert ordered[row] == ordered[row - 1]


def test_an_index_of_nothing_finds_nothing():
    index, _ = index_of([])
    assert index.rows(["a"]).tolist() == [-1]
    assert index.first_repeated(np.empty(0, dtype=np.uint32)) is None


def test_keys_are_those_of_splitmix64_on_every_machine():
    """Reference: the generator's first outputs for the seed 1234567, 6457827717110365317 and 3203168211198807973."""
    state = np.array([1234567], dtype=np.uint64)
    assert passage_ids.mixed(state).tolist() == [6457827717110365317]
    assert passage_ids.mixed(state + passage_ids.GOLDEN).tolist() == [3203168211198807973]
    hashed = int.from_bytes(passage_ids.pid_hash("p1"), "little")
    seed = passage_ids.mixed(np.array([7], dtype=np.uint64))
    assert pid_keys(["p1"], 7).tolist() == passage_ids.mixed(np.array([hashed], dtype=np.uint64) ^ seed).tolist()


def test_seeds_give_orders_that_have_nothing_in_common():
    ids = [f"p{i}" for i in range(4000)]
    first, second = (np.argsort(np.argsort(pid_keys(ids, seed))) for seed in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    assert abs(np.corrcoef(first, np.arange(4000))[0, 1]) < 0.06
