"""The k nearest binary codes for a batch of queries, by numba: one instruction counts the bits of 8 codes.

faiss counts the bits of a code of 768 bits 64 at a time (its fast paths end at 512), which takes twice the time
(benchmarks/binary.py). Here a tile of codes is transposed and stays in the cache while all queries scan it.
"""

from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

compiled = numba.njit(nogil=True, cache=True)
Words = NDArray[np.uint64]
TILE = 256  # codes transposed together: 24 kB of 768 bits, which fit in the first-level cache


def _bits_set(typing_context: Any, word: Any) -> Any:
    """How many bits of a uint64 are 1, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.int64(numba.uint64), generate


bits_set: Any = intrinsic(_bits_set)


@compiled
def nearest(codes: Words, queries: Words, k: int, rows: NDArray[np.int64], distances: NDArray[np.int64]) -> None:
    """Write the k <= N nearest of codes [N, W] to each of queries [Q, W] into rows, distances [Q, k].

    By Hamming distance; of equally distant codes the first wins.
    """
    room = 2 * k + TILE
    found, how_far = np.empty((len(queries), room), np.int64), np.empty((len(queries), room), np.int64)
    counts = np.zeros(len(queries), np.int64)
    limits = np.full(len(queries), 64 * codes.shape[1] + 1)  # only what is nearer can be among the k best
    histogram = np.empty(64 * codes.shape[1] + 1, np.int64)
    turned, sums = np.empty((codes.shape[1], TILE), np.uint64), np.empty(TILE, np.int64)
    for first in range(0, len(codes), TILE):
        size = min(TILE, len(codes) - first)
        for place in range(size):
            for word in range(codes.shape[1]):
                turned[word, place] = codes[first + place, word]
        for query in range(len(queries)):
            count_differing(turned, queries[query], sums)
            count, limit = counts[query], limits[query]
            for place in range(size):
                if sums[place] < limit:
                    found[query, count], how_far[query, count] = first + place, sums[place]
                    count += 1
            if count > room - TILE:
                limits[query] = keep_nearest(found[query], how_far[query], count, k, histogram)
                count = k
            counts[query] = count
    for query in range(len(queries)):
        keep_nearest(found[query], how_far[query], counts[query], k, histogram)
        in_order(found[query], how_far[query], histogram, rows[query], distances[query])


@compiled
def count_differing(turned: Words, query: Words, sums: NDArray[np.int64]) -> None:
    """Write into sums [TILE] how many bits of each code of a tile [W, TILE] differ from query [W]."""
    words = len(query)
    sums[:] = 0
    whole = words - words % 4
    for word in range(0, whole, 4):
        a, b, c, d = query[word], query[word + 1], query[word + 2], query[word + 3]
        for place in range(TILE):
            sums[place] += (
                bits_set(turned[word, place] ^ a)
                + bits_set(turned[word + 1, place] ^ b)
                + bits_set(turned[word + 2, place] ^ c)
                + bits_set(turned[word + 3, place] ^ d)
            )
    for word in range(whole, words):
        a = query[word]
        for place in range(TILE):
            sums[place] += bits_set(turned[word, place] ^ a)


@compiled
def keep_nearest(
    rows: NDArray[np.int64], distances: NDArray[np.int64], count: int, k: int, histogram: NDArray[np.int64]
) -> int:
    """Keep, in their order, the k nearest of the first count >= k entries, of equally distant ones the first.

    Returns the greatest distance kept: a later code must be nearer to be among the k best.
    """
    histogram[:] = 0
    for place in range(count):
        histogram[distances[place]] += 1
    farthest, nearer = 0, 0
    while nearer + histogram[farthest] < k:
        nearer += histogram[farthest]
        farthest += 1
    equal = k - nearer  # of the farthest distance so many are kept
    kept = 0
    for place in range(count):
        distance = distances[place]
        if distance < farthest or (distance == farthest and equal > 0):
            if distance == farthest:
                equal -= 1
            rows[kept], distances[kept] = rows[place], distance
            kept += 1
    return farthest


@compiled
def in_order(
    found: NDArray[np.int64],
    how_far: NDArray[np.int64],
    histogram: NDArray[np.int64],
    rows: NDArray[np.int64],
    distances: NDArray[np.int64],
) -> None:
    """Write the first k entries by distance into rows, distances [k]; equally distant ones stay in their order."""
    histogram[:] = 0
    for place in range(len(rows)):
        histogram[how_far[place]] += 1
    start = 0
    for distance in range(len(histogram)):
        count = histogram[distance]
        histogram[distance] = start
        start += count
    for place in range(len(rows)):
        target = histogram[how_far[place]]
        histogram[how_far[place]] += 1
        rows[target], distances[target] = found[place], how_far[place]
