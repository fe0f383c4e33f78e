"""search=hash_lookup: candidates of binary codes from hash tables (BPR, Yamada et al., ACL 2021).

Multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012) with the tables of faiss's IndexBinaryMultiHash: table t is
keyed by bits t * key_bits to (t + 1) * key_bits of a code and holds the passages that have the key.
"""

import math
import mmap
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingError
from ..machine.progress_bar import bar
from ..machine.threads import for_queries, workers
from ..quantizers.base import Codes, FittedQuantizer, Quantizer
from ..settings import component, setting
from .base import Hits, QueryVectors, VectorIndex
from .hamming import HammingIndex
from .search import Searchable
from .ties import merged
from .two_stage import TwoStage

FILE = "tables.faiss"
BLOCK_BYTES = 8 * 2**20  # of codes read at once
PASSAGES_PER_KEY = 18  # at least, on average
MANY = 1 << 20  # passages that a search may find, whatever their share of the corpus
KEY_COST = 30  # codes scanned in the time of one look-up: 7 ns and 0.2 us, measured by benchmarks/codes.py


@component
class HashLookup(TwoStage):
    """Takes candidates of binary codes from hash tables instead of a scan, and ranks them as `TwoStage` does.

    A query's candidates are the nearest of the passages that have, in one of the `tables`, a key that differs from the
    query's in at most `flips` bits (`LookupIndex` says what is certainly found). More flips: more of the candidates of
    a scan, and slower.
    """

    device: Literal["cpu"] = setting("cpu", "where hash tables are searched: the CPU only", key=False)
    tables: int = setting(4, "number of hash tables, each about 20 bytes per passage in memory", ge=1)
    key_bits: int | None = setting(None, "bits of a table's key; null: enough that 18 to 36 passages share one", ge=1)
    flips: int = setting(
        3, "bits of a key that may differ from the query's; raised for queries that find too few passages", ge=0
    )

    def check(self, quantizer: Quantizer, dimension: int) -> None:
        """Raise SettingError, before any work, unless `quantizer` gives binary codes that have the keys' bits."""
        if not quantizer.binary:
            expected = f"a quantizer with binary codes, not {quantizer.option}"
            raise SettingError("search", "hash_lookup", expected, "set quantizer=hash or lsh, or search=two_stage")
        check_keys(self.tables, self.key_bits, getattr(quantizer, "bits", None) or dimension)

    def structure(self) -> dict[str, int]:
        """The settings of the hash tables."""
        return {"tables": self.tables} | ({} if self.key_bits is None else {"key_bits": self.key_bits})

    def prepare(self, fitted: FittedQuantizer, codes: Codes, folder: Path) -> None:
        """Write the hash tables of the codes uint8 [N, code_bytes] into `folder`."""
        key_bits = self.key_bits or bits_of_keys(len(codes), self.tables, 8 * fitted.code_bytes)
        index = LookupIndex.empty(fitted, self.tables, key_bits)
        index.add(codes)
        index.save(folder)

    def first_stage(self, passages: Searchable) -> "LookupIndex":
        """The index of the tables that `prepare` wrote; raises ValueError without them."""
        if passages.prepared is None:
            raise ValueError("hash_lookup needs the folder that its `prepare` wrote")
        return LookupIndex.load(passages.fitted, passages.codes, passages.prepared, self.flips, passages.ties_from)


class LookupIndex(VectorIndex):
    """Finds the passages that have a key near the query's, and ranks them by the Hamming distance of the whole codes.

    A search looks up, in every table, the keys that differ from the query's in at most `flips` bits, and ranks the
    passages found exactly. By the pigeonhole principle these include every passage whose code differs from the query's
    in at most tables * (flips + 1) - 1 of the first tables * key_bits bits, and so every passage within that distance
    of the whole code; of those farther away they include the ones that happen to share a key.

    A query that finds fewer than k passages is looked up again with one flip more, and again; where looking up the keys
    would take longer than comparing all codes (`KEY_COST`), the query is searched by HammingIndex.

    faiss's index holds the keys' bits and the passages; whole codes are read from the added array, which may be a
    memory map. faiss keeps the number of flips in its index, so only one search runs at a time.
    """

    def __init__(self, fitted: FittedQuantizer, table: Any, codes: Codes, flips: int, ties_from: int = 0) -> None:
        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self.table, self.flips, self.size = table, flips, table.ntotal
        self._fitted = fitted
        self._one_search = Lock()
        self._hold(codes)

    @classmethod
    def empty(
        cls, fitted: FittedQuantizer, tables: int, key_bits: int, flips: int = 0, ties_from: int = 0
    ) -> "LookupIndex":
        """An index of no passages. Raises SettingError where the keys have more bits than the codes."""
        import faiss

        check_keys(tables, key_bits, 8 * fitted.code_bytes)
        table = faiss.IndexBinaryMultiHash(-(-tables * key_bits // 8) * 8, tables, key_bits)
        return cls(fitted, table, np.empty((0, fitted.code_bytes), np.uint8), flips, ties_from)

    @classmethod
    def load(
        cls, fitted: FittedQuantizer, codes: Codes, folder: Path, flips: int = 0, ties_from: int = 0
    ) -> "LookupIndex":
        """What `save` wrote into `folder` for `codes` [N, code_bytes]; it answers as the saved index did.

        Raises ValueError where that had another number of codes.
        """
        import faiss

        table: Any = faiss.read_index_binary(str(folder / FILE))
        if table.ntotal != len(codes):
            raise ValueError(f"{folder / FILE} is of {table.ntotal} codes, there are {len(codes)}")
        if len(codes) & (len(codes) - 1):
            return cls(fitted, table, codes, flips, ties_from)
        # faiss writes a key's number of passages in too few bits where it is that of all passages and 2^n; it reads 0
        index = cls.empty(fitted, table.nhash, table.b, flips, ties_from)
        index.add(codes)
        return index

    def save(self, folder: Path) -> None:
        """Write the tables, without the codes, into `folder`."""
        import faiss

        with self._one_search:
            self.table.nflip = 0
            faiss.write_index_binary(self.table, str(folder / FILE))

    def _hold(self, codes: Codes) -> None:
        self._codes = codes
        self._scan = HammingIndex(self._fitted, self.ties_from)
        self._scan.add(codes)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        rows = max(1, BLOCK_BYTES // self.code_bytes)
        with self._one_search, bar("filling hash tables", " passages", total=len(codes)) as shown:
            for start in range(0, len(codes), rows):
                block = self._keyed(codes[start : start + rows])
                self.table.add(block)
                release(codes)
                shown.update(len(block))
            self._hold(np.concatenate([self._codes, codes]) if self.size else codes)

    def _keyed(self, codes: Codes) -> Codes:
        """The bytes [n, table.d / 8] of `codes` that contain the keys."""
        return np.ascontiguousarray(codes[:, : self.table.code_size])

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        codes = self._fitted.encode(queries)
        keyed = self._keyed(codes)
        best = Hits(np.empty((len(codes), k), np.int64), np.empty((len(codes), k), np.float32))

        def enough(row: int) -> bool:
            _, _, found = self.table.range_search(keyed[row : row + 1], self.table.d + 1)
            if len(found) < k:
                return False
            hits = self._nearest(codes[row : row + 1], found, k)
            best.ids[row], best.scores[row] = hits.ids[0], hits.scores[0]
            return True

        rows, flips = np.arange(len(codes)), min(self.flips, self.table.b)
        with self._one_search:
            while len(rows) and self._worth(flips):
                self.table.nflip = flips
                with for_queries(len(rows)):
                    done = [enough(rows[0])] if len(rows) == 1 else list(self._pool.map(enough, rows))
                rows, flips = rows[~np.array(done)], flips + 1
        if len(rows):
            hits = self._scan.search(QueryVectors(queries[rows]), k)
            best.ids[rows], best.scores[rows] = hits.ids, hits.scores
        return best

    def _nearest(self, code: Codes, found: NDArray[np.int64], k: int) -> Hits:
        """The k nearest to `code` [1, code_bytes] of the passages `found`, some of their codes at a time."""
        import faiss

        found -= self.ties_from
        found %= self.size
        found.sort()  # of equally distant codes the first in the order of ties are kept
        hits = Hits(np.empty((1, 0), np.int64), np.empty((1, 0), np.float32))
        step = max(k, BLOCK_BYTES // self.code_bytes)
        for start in range(0, len(found), step):
            rows = (found[start : start + step] + self.ties_from) % self.size
            distances, places = faiss.knn_hamming(code, self._codes.take(rows, axis=0), min(k, len(rows)))
            hits = merged(hits, Hits(rows[places], -distances.astype(np.float32)), k)
        return hits

    def _worth(self, flips: int) -> bool:
        """Whether a key has that many bits, and looking up the keys takes no longer than comparing all codes.

        Where few keys share very many passages, whose codes are the same, a search would find and hold nearly all.
        """
        bits, tables = self.table.b, self.table.nhash
        looked_up = tables * keys(bits, flips)
        if flips > bits or KEY_COST * looked_up > self.size:
            return False
        found = looked_up * tables * self.size / max(1, self.table.hashtable_size())  # if all keys have equally many
        return bool(found <= max(self.size, MANY))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Workers for the queries of a batch, which faiss would look up one after the other."""
        return workers("lookup")


def keys(bits: int, flips: int) -> int:
    """How many keys of `bits` bits differ from one of them in at most `flips` bits."""
    return sum(math.comb(bits, flipped) for flipped in range(flips + 1))


def bits_of_keys(passages: int, tables: int, bits: int) -> int:
    """The bits of a key with which 18 to 36 of N = `passages` share one on average; fewer where `tables` keys would not
    fit in a code.

    21 million passages: 20 bits. With more bits a query compares fewer codes for the same share of its neighbours, but
    a table's bytes for each key outgrow its 8 bytes for each passage.
    """
    wanted = (passages // PASSAGES_PER_KEY).bit_length() - 1
    return max(1, min(wanted, bits // tables))


def check_keys(tables: int, key_bits: int | None, bits: int) -> None:
    """Raise SettingError unless the keys of all tables (None: of one bit or more) fit in a code of `bits`."""
    if tables > bits:
        raise SettingError("tables", tables, f"at most {bits}, the bits of a code", component="search")
    if key_bits is not None and tables * key_bits > bits:
        expected = f"at most {bits // tables}, so that the keys of {tables} tables fit in a code of {bits} bits"
        raise SettingError("key_bits", key_bits, expected, component="search")


def release(codes: Codes) -> None:
    """Release the pages read of a read-only memory map, which would count as this process's memory."""
    file: object = codes.base
    if isinstance(codes, np.memmap) and codes.mode == "r" and isinstance(file, mmap.mmap):
        file.madvise(mmap.MADV_DONTNEED)
