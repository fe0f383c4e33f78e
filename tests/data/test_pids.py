"""Finding rows by id, also where hashes collide."""

import numpy as np
import pytest

from labrador.data import pids
from labrador.data.pids import PidIndex


def index_of(ids):
    hashes = np.frombuffer(b"".join(map(pids.pid_hash, ids)), dtype=np.uint64)
    return PidIndex(hashes, lambda rows: [ids[row] for row in rows])


@pytest.fixture(params=["real", "colliding"])
def hashing(request, monkeypatch):
    """The real hash, and one that only looks at an id's length."""
    if request.param == "colliding":
        monkeypatch.setattr(pids, "pid_hash", lambda pid: len(pid).to_bytes(8, "little"))


@pytest.mark.usefixtures("hashing")
def test_every_id_is_found_and_no_other():
    ids = ["b", "a", "cc", "dd", "aa", "é", "x1"]
    index = index_of(ids)
    asked = ["aa", "b", "zz", "a", "x1", "cc", "é", "none", "c", ""]
    assert index.rows(asked).tolist() == [4, 0, -1, 1, 6, 2, 5, -1, -1, -1]
    assert index.rows([]).tolist() == []
    assert index.first_duplicate() is None


@pytest.mark.usefixtures("hashing")
def test_the_first_duplicate_is_told_with_the_row_it_repeats():
    assert index_of(["a", "b", "c", "b", "a", "c"]).first_duplicate() == (3, 1)
    assert index_of(["a", "b", "aa", "a", "a"]).first_duplicate() == (3, 0)


def test_an_index_of_nothing_finds_nothing():
    assert index_of([]).rows(["a"]).tolist() == [-1]
    assert index_of([]).first_duplicate() is None
