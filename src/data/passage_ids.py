"""Passage ids as 64-bit keys: the order of a corpus, and finding passages by their ids.

21 million ids in a dict take about 3 GB; their keys take 8 bytes each. Passages are sorted by key, so a key is found by
bisection. Where two keys are equal the ids themselves are compared, so collisions of hashes are harmless.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
PidsOf = Callable[[NDArray[np.int64]], list[str]]  # the ids of rows

COMPARED_TOGETHER = 1 << 16  # rows whose ids are compared at a time
GOLDEN, FIRST, SECOND = (np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def pid_hash(pid: str) -> bytes:
    """The 8-byte hash of an id, the same on every machine."""
    return hashlib.blake2b(pid.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def pid_keys(pids: Sequence[str], seed: int) -> Keys:
    """The keys of `pids` [P], by which passages are sorted: their hashes, mixed with the seed by SplitMix64.

    Mixing is a bijection of 64 bits: two ids share a key exactly if they share a hash.
    """
    hashes = np.frombuffer(b"".join(map(pid_hash, pids)), dtype="<u8").astype(np.uint64)
    return mixed(hashes ^ mixed(np.array([seed], dtype=np.uint64)))


def mixed(words: Keys) -> Keys:
    """SplitMix64's output for each word as its state (Steele, Lea and Flood, OOPSLA 2014)."""
    words = words + GOLDEN
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    found: Keys = words ^ (words >> np.uint64(31))
    return found


class PidIndex:
    """From passage ids to rows; 8 bytes per passage."""

    def __init__(self, keys: Keys, pids_of: PidsOf, seed: int) -> None:
        """keys [N]: of all rows with `seed`, ascending, equal ones in the order of the ids; `pids_of` reads ids."""
        self._keys, self._pids_of, self._seed = keys, pids_of, seed

    def first_repeated(self, places: NDArray[np.uint32]) -> int | None:
        """The row with the lowest of `places` [N] among those that repeat the previous row's id; None: all ids differ.

        Rows with the same id are in the order of their places.
        """
        again = np.flatnonzero(self._keys[1:] == self._keys[:-1]) + 1
        again = again[np.argsort(places[again])]
        for start in range(0, len(again), COMPARED_TOGETHER):
            rows = again[start : start + COMPARED_TOGETHER]
            pids = zip(self._pids_of(rows), self._pids_of(rows - 1), strict=True)
            same = [row for row, (pid, before) in zip(rows.tolist(), pids, strict=True) if pid == before]
            if same:
                return int(same[0])
        return None

    def rows(self, pids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of `pids` [P]; -1 for an unknown id."""
        rows = np.full(len(pids), -1, dtype=np.int64)
        if len(self._keys) == 0 or len(pids) == 0:
            return rows
        wanted = pid_keys(pids, self._seed)
        positions = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        near = np.flatnonzero(self._keys[positions] == wanted)
        for i, row, found in zip(near.tolist(), positions[near], self._pids_of(positions[near]), strict=True):
            rows[i] = row if found == pids[i] else self._among_equal(pids[i], wanted[i])
        return rows

    def _among_equal(self, pid: str, wanted: np.uint64) -> int:
        """The row with this id among those with its key; -1 if none has it."""
        start, stop = np.searchsorted(self._keys, wanted), np.searchsorted(self._keys, wanted, side="right")
        found = self._pids_of(np.arange(start, stop))
        return int(start) + found.index(pid) if pid in found else -1
