"""Passages in the order of their keys, in memory and by way of a file."""

from itertools import chain

import numpy as np
import pyarrow as pa
import pytest

from labrador.data import passage_ids, sorting
from labrador.data.passage_ids import pid_keys
from labrador.data.schema import PASSAGES
from labrador.data.sorting import PassageSorter

IDS = [f"p{i}" for i in range(1000)]


def sorted_ids(folder, ids, rows=64, seed=0, batch=100):
    """The ids in order, in lists as long as the batches, and the sorter."""
    sorter = PassageSorter(folder)
    for start in range(0, len(ids), batch):
        some = ids[start : start + batch]
        columns = [some, ["title"] * len(some), [f"text of {pid}" for pid in some]]
        sorter.add(pa.record_batch([pa.array(column) for column in columns], PASSAGES), pid_keys(some, seed))
    found = list(sorter.batches(rows))
    for part in found:
        assert part.column("text").to_pylist() == [f"text of {pid}" for pid in part.column("pid").to_pylist()]
    return [part.column("pid").to_pylist() for part in found], sorter


@pytest.fixture(params=["held", "written out"])
def room(request, monkeypatch):
    """Room for all passages, and for some 200 of them."""
    if request.param == "written out":
        monkeypatch.setattr(sorting, "HELD_BYTES", 8_000)


@pytest.mark.usefixtures("room")
def test_passages_come_in_the_order_of_their_keys_whatever_the_order_of_the_lines(tmp_path):
    expected = [pid for _, pid in sorted(zip(pid_keys(IDS, 0).tolist(), IDS, strict=True))]
    for lines in (IDS, IDS[::-1], list(np.random.default_rng(0).permutation(IDS))):
        found, sorter = sorted_ids(tmp_path, lines)
        assert list(chain(*found)) == expected
        assert [len(part) for part in found] == [64] * 15 + [40]
        assert [lines[place] for place in sorter.places] == expected
        assert sorter.keys.tolist() == pid_keys(expected, 0).tolist()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("room")
def test_equal_keys_come_in_the_order_of_the_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(passage_ids, "pid_hash", lambda pid: len(pid).to_bytes(8, "little"))
    for lines in (IDS, IDS[::-1]):
        found, sorter = sorted_ids(tmp_path, lines)
        ordered = list(chain(*found))
        assert [lines[place] for place in sorter.places] == ordered
        for length in (2, 3, 4):
            alike = [pid for pid in ordered if len(pid) == length]
            assert alike == sorted(alike)


def test_nothing_is_in_no_batch(tmp_path):
    assert sorted_ids(tmp_path, [])[0] == []
