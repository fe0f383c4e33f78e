"""Finding passages by their id, for corpora whose ids would not fit in a Python dict.

21 million ids as Python strings in a dict cost about 3 GB. Here an id is its 64-bit hash (8 bytes), the hashes are
sorted once, and wherever two hashes agree the ids themselves are compared, so a collision of hashes is harmless.
"""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

PidsOf = Callable[[NDArray[np.int64]], list[str]]  # the ids of rows


def pid_hash(pid: str) -> bytes:
    """The 8-byte hash of an id, the same on every machine."""
    return hashlib.blake2b(pid.encode("utf-8", "surrogatepass"), digest_size=8).digest()


class PidIndex:
    """From passage ids to rows; 12 bytes per passage."""

    def __init__(self, hashes: NDArray[np.uint64], pids_of: PidsOf) -> None:
        """Sort `hashes` [N], the hash of every row's id; `pids_of` reads ids back for the comparison."""
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._rows = order.astype(np.uint32)
        self._pids_of = pids_of

    def first_duplicate(self) -> tuple[int, int] | None:
        """The first row whose id an earlier row has, with that earlier row; None where all ids differ."""
        again = np.flatnonzero(self._hashes[1:] == self._hashes[:-1]) + 1  # equal hashes lie in row order
        again = again[np.argsort(self._rows[again])]
        for position in again:
            row = int(self._rows[position])
            (pid,) = self._pids_of(np.array([row]))
            earlier = self._find(pid, self._hashes[position], before=row)
            if earlier is not None:
                return row, earlier
        return None

    def rows(self, pids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of `pids` [P]; -1 for an id that no passage has."""
        wanted = np.frombuffer(b"".join(map(pid_hash, pids)), dtype=np.uint64)
        rows = np.full(len(pids), -1, dtype=np.int64)
        if len(self._hashes) == 0 or len(pids) == 0:
            return rows
        positions = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        near = np.flatnonzero(self._hashes[positions] == wanted)
        candidates = self._rows[positions[near]].astype(np.int64)
        for i, candidate, found in zip(near.tolist(), candidates, self._pids_of(candidates), strict=True):
            if found == pids[i]:
                rows[i] = candidate
            else:  # another id with the same hash came first
                other = self._find(pids[i], wanted[i])
                rows[i] = -1 if other is None else other
        return rows

    def _find(self, pid: str, wanted: np.uint64, before: int | None = None) -> int | None:
        """The first row with this id among those with its hash."""
        start, stop = np.searchsorted(self._hashes, wanted), np.searchsorted(self._hashes, wanted, side="right")
        rows = self._rows[start:stop].astype(np.int64)
        if before is not None:
            rows = rows[rows < before]
        for row, found in zip(rows, self._pids_of(rows), strict=True):
            if found == pid:
                return int(row)
        return None
