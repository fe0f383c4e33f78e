"""The loops of BM25 over posting lists, compiled by numba. A word's posting list holds rising passage rows."""

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
compiled = numba.njit(nogil=True, cache=True)


@compiled
def passage_frequencies(ids: NDArray[np.int32], offsets: Ints, words: int) -> Ints:
    """In how many passages each of `words` words occurs, [V]; passage i's words are ids[offsets[i]:offsets[i + 1]]."""
    counts = np.zeros(words, np.int64)
    last = np.full(words, -1, np.int64)
    for row in range(len(offsets) - 1):
        for word in ids[offsets[row] : offsets[row + 1]]:
            if last[word] != row:
                last[word] = row
                counts[word] += 1
    return counts


@compiled
def fill_postings(
    ids: NDArray[np.int32],
    offsets: Ints,
    starts: Ints,
    idf: NDArray[np.float64],
    k1: float,
    b: float,
    rows: NDArray[np.int32],
    scores: NDArray[np.float32],
) -> None:
    """Write each word's passages into `rows` and its BM25 contributions into `scores`, both [postings].

    The posting list of word w is rows[starts[w]:starts[w + 1]]. The contribution is Lucene's:
    idf * tf / (tf + k1 * (1 - b + b * length / mean length)).
    """
    mean = len(ids) / max(1, len(offsets) - 1)
    ends = starts[:-1].copy()
    for row in range(len(offsets) - 1):
        words = ids[offsets[row] : offsets[row + 1]]
        for word in words:  # term frequencies are counted in `scores`, then replaced
            place = ends[word]
            if place > starts[word] and rows[place - 1] == row:
                scores[place - 1] += 1
            else:
                rows[place], scores[place] = row, 1
                ends[word] = place + 1
        norm = k1 * (1 - b + b * len(words) / mean)
        for word in words:
            place = ends[word] - 1
            if scores[place] > 0:  # negative: this word of the passage is done
                scores[place] = -idf[word] * scores[place] / (scores[place] + norm)
    for place in range(len(scores)):
        scores[place] = -scores[place]


@compiled
def best(
    queries: NDArray[np.int32],
    offsets: Ints,
    starts: Ints,
    rows: NDArray[np.int32],
    contributions: NDArray[np.float32],
    sums: NDArray[np.float32],
    ties_from: int,
    ids: Ints,
    scores: NDArray[np.float32],
) -> None:
    """The k best passages of each query, into ids and scores [Q, k]; equal scores by lower row from `ties_from` on.

    Query i's words are queries[offsets[i]:offsets[i + 1]]; `sums` [N] is working space. Places beyond the passages
    with a score above 0 are left as they are.
    """
    k = ids.shape[1]
    for query in range(len(offsets) - 1):
        sums[:] = 0
        for word in queries[offsets[query] : offsets[query + 1]]:
            for place in range(starts[word], starts[word + 1]):
                sums[rows[place]] += contributions[place]
        heap_ids, heap_scores, size = ids[query], scores[query], 0  # until the end, ids are places in the order of ties
        to_beat = np.float32(0)
        for row in range(len(sums)):  # places rise: of equal scores the one that is there is the better one
            score = sums[row + ties_from if row + ties_from < len(sums) else row + ties_from - len(sums)]
            if score > to_beat:
                if size < k:
                    _rise(heap_ids, heap_scores, size, row, score)
                    size += 1
                else:
                    _sink(heap_ids, heap_scores, size, row, score)
                if size == k:
                    to_beat = heap_scores[0]
        while size > 1:  # the worst of the heap goes behind the others
            size -= 1
            row, score = heap_ids[size], heap_scores[size]
            heap_ids[size], heap_scores[size] = heap_ids[0], heap_scores[0]
            _sink(heap_ids, heap_scores, size, row, score)
        for place in range(k):
            if heap_ids[place] >= 0:
                heap_ids[place] = (heap_ids[place] + ties_from) % len(sums)


@compiled
def _rise(ids: Ints, scores: NDArray[np.float32], size: int, row: int, score: float) -> None:
    """Add a passage to a heap of `size` with the worst (lowest score, then highest row) on top."""
    place = size
    while place > 0:
        above = (place - 1) // 2
        if scores[above] < score or (scores[above] == score and ids[above] > row):
            break
        ids[place], scores[place] = ids[above], scores[above]
        place = above
    ids[place], scores[place] = row, score


@compiled
def _sink(ids: Ints, scores: NDArray[np.float32], size: int, row: int, score: float) -> None:
    """Put a passage in the place of the top of a heap of `size`."""
    place = 0
    while 2 * place + 1 < size:
        below, other = 2 * place + 1, 2 * place + 2
        if other < size and (
            scores[other] < scores[below] or (scores[other] == scores[below] and ids[other] > ids[below])
        ):
            below = other
        if score < scores[below] or (score == scores[below] and row > ids[below]):
            break
        ids[place], scores[place] = ids[below], scores[below]
        place = below
    ids[place], scores[place] = row, score
