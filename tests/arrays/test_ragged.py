"""Lists of rows in two arrays."""

import numpy as np
import pytest

from labrador.arrays.ragged import Ragged


def test_pairs_are_grouped_in_their_order_and_empty_lists_kept():
    ragged = Ragged.from_pairs([2, 0, 2, 0], [9, 5, 1, 7], count=4)
    assert [row.tolist() for row in ragged] == [[5, 7], [], [9, 1], []]
    assert ragged.lengths.tolist() == [2, 0, 2, 0]
    assert len(ragged) == 4


def test_lists_are_packed_and_read_back():
    lists = [[3, 1], [], [2]]
    ragged = Ragged.from_lists(lists)
    assert [row.tolist() for row in ragged] == lists
    assert ragged.offsets.tolist() == [0, 2, 2, 3]
    assert ragged.values.dtype == np.int64
    assert len(Ragged.from_lists([])) == 0


@pytest.mark.parametrize("rows", [[-1], [2]])
def test_rows_outside_are_refused(rows):
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        Ragged.from_pairs(rows, [0], count=2)
    with pytest.raises(IndexError):
        Ragged.from_lists([[1], [2]])[rows[0]]


def test_the_entries_of_each_list_in_ascending_order():
    ragged = Ragged.from_lists([[3, 1, 2], [], [2], [9, 8, 7]])
    assert [row.tolist() for row in ragged.ascending()] == [[1, 2, 3], [], [2], [7, 8, 9]]
    assert [row.tolist() for row in ragged] == [[3, 1, 2], [], [2], [9, 8, 7]]


def test_some_lists_are_taken_and_put_back_in_their_rows():
    ragged = Ragged.from_lists([[3, 1], [], [2], [7, 8, 9]])
    taken = ragged.take(np.array([0, 1, 3]))
    assert [row.tolist() for row in taken] == [[3, 1], [], [7, 8, 9]]
    assert [row.tolist() for row in taken.spread(np.array([0, 1, 3]), 5)] == [[3, 1], [], [], [7, 8, 9], []]
    assert [row.tolist() for row in ragged.take(np.array([3, 0]))] == [[7, 8, 9], [3, 1]]
    assert len(ragged.take(np.array([], dtype=np.int64))) == 0
