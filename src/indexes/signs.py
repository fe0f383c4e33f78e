"""The inner product of continuous queries with binary codes, without unpacking them (BPR, section 3).

A query's table holds what each of the 256 values of each byte of a code adds to the product: a candidate takes one
look-up for every 8 bits, a fifth of the time of unpacking the codes in a batch (benchmarks/binary.py).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from ..machine.threads import workers
from ..quantizers.base import Codes
from ..quantizers.binary import BinaryCodec

compiled = numba.njit(nogil=True, cache=True)


class SignProduct:
    """The score <project(query), signs of the code> of a passage, summed in float64 and rounded once.

    Equal codes score exactly the same. `codes` uint8 [N, code_bytes] may be a memory map: only candidates are read.
    """

    def __init__(self, fitted: BinaryCodec, codes: Codes) -> None:
        self.fitted, self.codes = fitted, codes

    def __call__(self, queries: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The scores [Q, C] of queries float32 [Q, D] with passages ids int64 [Q, C]."""
        projected = self.fitted.project(queries).astype(np.float64)
        scores = np.empty(ids.shape, dtype=np.float64)

        def fill(row: int) -> None:
            look_up(byte_table(projected[row]), self.codes, ids[row], scores[row])

        if len(ids) == 1:
            fill(0)
        else:
            list(self._pool.map(fill, range(len(ids))))
        return scores.astype(np.float32)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Workers for the queries of a batch."""
        return workers("rerank")


@compiled
def byte_table(query: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each value of each byte adds to the product with `query` [bits]: [bits / 8, 256]; bit i is number i."""
    table = np.empty((len(query) // 8, 256), np.float64)
    for byte in range(len(table)):
        part = query[8 * byte : 8 * byte + 8]
        table[byte, 0] = -part.sum()
        filled = 1
        for bit in range(8):  # a value with this bit adds twice the number more than the value without it
            table[byte, filled : 2 * filled] = table[byte, :filled] + 2 * part[bit]
            filled *= 2
    return table


@compiled
def look_up(
    table: NDArray[np.float64], codes: NDArray[np.uint8], rows: NDArray[np.int64], scores: NDArray[np.float64]
) -> None:
    """Write into `scores` [C] the products of the table's query with the codes in `rows` [C]."""
    for place in range(len(rows)):
        code = codes[rows[place]]
        total = 0.0
        for byte in range(len(table)):
            total += table[byte, code[byte]]
        scores[place] = total
