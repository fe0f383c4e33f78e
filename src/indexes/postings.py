"""The loops of BM25 over posting lists, compiled by numba. A term's posting list holds rising passage numbers."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
compiled = numba.njit(nogil=True, cache=True)


class Lists(NamedTuple):
    """N lists of terms, of passages or of queries: those of list i are terms[offsets[i]:offsets[i + 1]]."""

    terms: NDArray[np.int32]
    offsets: Ints


class Postings(NamedTuple):
    """The posting list of term t: passages[starts[t]:starts[t + 1]], and what it adds to their scores."""

    starts: Ints
    passages: NDArray[np.int32]
    scores: Floats


@compiled
def passage_frequencies(corpus: Lists, terms: int) -> Ints:
    """In how many passages each of `terms` terms occurs, [V]."""
    counts = np.zeros(terms, np.int64)
    last = np.full(terms, -1, np.int64)
    for passage in range(len(corpus.offsets) - 1):
        for term in corpus.terms[corpus.offsets[passage] : corpus.offsets[passage + 1]]:
            if last[term] != passage:
                last[term] = passage
                counts[term] += 1
    return counts


@compiled
def fill(postings: Postings, corpus: Lists, idf: NDArray[np.float64], k1: float, b: float) -> None:
    """Write the passages of each term and what it adds to their scores, by Lucene's formula.

    idf * tf / (tf + k1 * (1 - b + b * length / mean length)).
    """
    starts, passages, scores = postings
    mean = len(corpus.terms) / max(1, len(corpus.offsets) - 1)
    ends = starts[:-1].copy()
    for passage in range(len(corpus.offsets) - 1):
        terms = corpus.terms[corpus.offsets[passage] : corpus.offsets[passage + 1]]
        for term in terms:  # term frequencies are counted in `scores`, then replaced
            place = ends[term]
            if place > starts[term] and passages[place - 1] == passage:
                scores[place - 1] += 1
            else:
                passages[place], scores[place] = passage, 1
                ends[term] = place + 1
        norm = k1 * (1 - b + b * len(terms) / mean)
        for term in terms:
            place = ends[term] - 1
            if scores[place] > 0:  # negative: this term of the passage is done
                scores[place] = -idf[term] * scores[place] / (scores[place] + norm)
    for place in range(len(scores)):
        scores[place] = -scores[place]


@compiled
def best(postings: Postings, queries: Lists, ties_from: int, sums: Floats, ids: Ints, scores: Floats) -> None:
    """Write the k best passages of each query into ids and scores [Q, k].

    Equal scores go to the first passage from `ties_from` on, around the end; `sums` [N] is working space. Places beyond
    the passages with a score above 0 are left as they are.
    """
    size = len(sums)
    for query in range(len(queries.offsets) - 1):
        sums[:] = 0
        for term in queries.terms[queries.offsets[query] : queries.offsets[query + 1]]:
            for place in range(postings.starts[term], postings.starts[term + 1]):
                sums[postings.passages[place]] += postings.scores[place]
        places, own = ids[query], scores[query]  # until the end, ids are places in the order of ties
        kept = _keep_best(sums[ties_from:], 0, places, own, 0)
        kept = _keep_best(sums[:ties_from], size - ties_from, places, own, kept)
        for last in range(kept - 1, 0, -1):  # the worst of the heap goes behind the others
            place, score = places[last], own[last]
            places[last], own[last] = places[0], own[0]
            _sink(places, own, last, place, score)
        for rank in range(kept):
            places[rank] = (places[rank] + ties_from) % size


@compiled
def _keep_best(sums: Floats, first: int, places: Ints, scores: Floats, kept: int) -> int:
    """Add the scores above 0 to a heap of the k best, which has `kept`: the place of sums[0] is `first`.

    Returns how many it has then. Places rise: of equal scores the one that is there is the better one.
    """
    k = len(places)
    to_beat = scores[0] if kept == k else np.float32(0)
    for row in range(len(sums)):
        score = sums[row]
        if score > to_beat:
            if kept < k:
                _rise(places, scores, kept, first + row, score)
                kept += 1
            else:
                _sink(places, scores, kept, first + row, score)
            if kept == k:
                to_beat = scores[0]
    return kept


@compiled
def _rise(places: Ints, scores: Floats, size: int, place: int, score: float) -> None:
    """Add a passage to a heap of `size` with the worst (lowest score, then highest place) on top."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if scores[above] < score or (scores[above] == score and places[above] > place):
            break
        places[at], scores[at] = places[above], scores[above]
        at = above
    places[at], scores[at] = place, score


@compiled
def _sink(places: Ints, scores: Floats, size: int, place: int, score: float) -> None:
    """Put a passage in the place of the top of a heap of `size`."""
    at = 0
    while 2 * at + 1 < size:
        below, other = 2 * at + 1, 2 * at + 2
        if other < size and (
            scores[other] < scores[below] or (scores[other] == scores[below] and places[other] > places[below])
        ):
            below = other
        if score < scores[below] or (score == scores[below] and place > places[below]):
            break
        places[at], scores[at] = places[below], scores[below]
        at = below
    places[at], scores[at] = place, score
