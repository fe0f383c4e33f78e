"""Lists of row numbers of different lengths in two flat arrays (compressed sparse rows)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .npy import open_array


@dataclass(frozen=True)
class Ragged:
    """N lists of integers: list i is values[offsets[i]:offsets[i + 1]].

    The positives of each query, or its candidates in rank order: no Python object for each entry, and both arrays may
    be memory-mapped.
    """

    values: NDArray[np.int64]  # [total]
    offsets: NDArray[np.int64]  # [N + 1], offsets[0] == 0

    @classmethod
    def from_pairs(cls, rows: ArrayLike, values: ArrayLike, count: int) -> "Ragged":
        """Group the values [P] by their rows [P] into `count` lists that keep their order.

        Raises ValueError if a row is outside [0, count).
        """
        rows, values = np.asarray(rows, dtype=np.int64), np.asarray(values, dtype=np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= count):
            raise ValueError(f"rows span {rows.min()}..{rows.max()}, expected 0..{count - 1}")
        order = np.argsort(rows, kind="stable")
        offsets = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=offsets[1:])
        return cls(values[order], offsets)

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]]) -> "Ragged":
        """Pack a sequence of lists."""
        offsets = np.cumsum([0, *map(len, lists)], dtype=np.int64)
        return cls(np.array([value for row in lists for value in row], dtype=np.int64), offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of entries of each list, [N]."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return (self[row] for row in range(len(self)))

    def take(self, rows: NDArray[np.int64]) -> "Ragged":
        """The lists in `rows` [n], as n lists."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Ragged(self.values[places], offsets)

    def ascending(self) -> "Ragged":
        """The same lists, each sorted."""
        rows = np.repeat(np.arange(len(self)), self.lengths)
        return Ragged(self.values[np.lexsort((self.values, rows))], self.offsets)

    def followed_by(self, more: "Ragged") -> "Ragged":
        """These lists, then those of `more`."""
        offsets = np.concatenate([self.offsets, self.offsets[-1] + more.offsets[1:]])
        return Ragged(np.concatenate([self.values, more.values]), offsets)

    def spread(self, rows: NDArray[np.int64], count: int) -> "Ragged":
        """`count` lists: these in the ascending `rows`, empty ones elsewhere."""
        lengths = np.zeros(count, dtype=np.int64)
        lengths[rows] = self.lengths
        return Ragged(self.values, np.concatenate([[0], np.cumsum(lengths)]))

    def without(self, others: "Ragged") -> "Ragged":
        """These lists without the entries of the same list of `others`, in the same order."""
        rows, left_out = (np.repeat(np.arange(len(lists)), lists.lengths) for lists in (self, others))
        size = 1 + max(int(lists.values.max(initial=0)) for lists in (self, others))
        kept = ~np.isin(rows * size + self.values, left_out * size + others.values)
        return Ragged(self.values[kept], np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=len(self)))]))

    def save(self, folder: Path) -> None:
        """Write values.npy and offsets.npy into `folder`."""
        np.save(folder / "values.npy", self.values, allow_pickle=False)
        np.save(folder / "offsets.npy", self.offsets, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "Ragged":
        """What `save` wrote, memory-mapped."""
        return cls(open_array(folder / "values.npy"), open_array(folder / "offsets.npy"))
