"""Samplers that shuffle the queries; each says how negatives are drawn and may reorder the visits."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..settings import component
from .base import Example, Pool, Sampler

Rows = NDArray[np.int64]
NONE = -1  # a negative that is still to be drawn
CHUNK = 1 << 22  # random numbers drawn at a time


@component
class Shuffled(Sampler):
    """Every query with a positive, with one of its positives and drawn negatives; once per epoch, see `visits`."""

    version: ClassVar[int] = 2  # 1: any positive, by its place in the order of rows

    def visits(self, pool: Pool) -> Rows:
        """The queries with a positive; of Q queries, number q + Q is a second visit of query q."""
        return np.flatnonzero(pool.positives.lengths)

    @abstractmethod
    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        """Negatives [Q, negatives] of the given queries [Q], distinct per query; NONE is filled at random."""

    def pick(self, positives: Ragged, queries: Rows, rng: np.random.Generator) -> Rows:
        """A positive of each of the given queries [Q], [Q]: the first, or any, whatever their order (also for auto)."""
        if self.positive == "first":
            first: Rows = positives.values[positives.offsets[queries]]
            return first
        lists = positives.take(queries).ascending()
        picks: Rows = lists.values[lists.offsets[:-1] + (rng.random(len(queries)) * lists.lengths).astype(np.int64)]
        return picks

    def arrange(self, pool: Pool, visits: Rows, positives: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """The order of the shuffled `visits` [V], as places [V] in them, and the negatives [V, n] of each place.

        positives [V]: those picked. By default the order stays and `draw` gives the negatives.
        """
        return np.arange(len(visits)), self.draw(pool, visits, rng)

    def fill(self, pool: Pool, queries: Rows, positives: Rows, negatives: Rows, rng: np.random.Generator) -> None:
        """Replace every NONE in `negatives` [Q, n], in place; all arguments are in the order of the visits."""
        fill_at_random(negatives, queries, pool.spared, pool.passages, rng)

    def batches(self, pool: Pool, epoch: int) -> Iterator[list[Example]]:
        """Yield the batches of one epoch, in lists of `pool.batch_size`.

        Raises LabradorError when the corpus is too small for that many negatives.
        """
        self.check(pool.passages, pool.spared)
        rng = np.random.default_rng([pool.seed, epoch])
        visits = rng.permutation(self.visits(pool))
        queries = visits % len(pool.positives)
        positives = self.pick(pool.positives, queries, rng)
        order, negatives = self.arrange(pool, visits, positives, rng)
        queries, positives, negatives = queries[order], positives[order], negatives[order]
        self.fill(pool, queries, positives, negatives, rng)
        for first in range(0, len(queries), pool.batch_size):
            part = slice(first, first + pool.batch_size)
            columns = queries[part].tolist(), positives[part].tolist(), map(tuple, negatives[part].tolist())
            yield [Example(*row) for row in zip(*columns, strict=True)]


def draw_among(lists: Ragged, rows: Rows, count: int, depth: int, rng: np.random.Generator) -> Rows:
    """Draw `count` distinct entries of the first `depth` of each list in `rows` [Q], uniformly: [Q, count].

    Lists with fewer than `count` entries leave NONE at the end.
    """
    drawn = np.full((len(rows), count), NONE, dtype=np.int64)
    if not count:
        return drawn
    step = max(1, CHUNK // depth)
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        lengths = np.minimum(lists.offsets[part + 1] - lists.offsets[part], depth)
        width = int(lengths.max(initial=0))
        ranks = rng.random((len(part), width))
        ranks[np.arange(width) >= lengths[:, None]] = np.inf
        taken = min(count, width)
        chosen = np.argpartition(ranks, taken - 1, axis=1)[:, :taken] if taken else np.empty((len(part), 0), np.int64)
        chosen = np.take_along_axis(chosen, np.take_along_axis(ranks, chosen, axis=1).argsort(axis=1), axis=1)
        there = np.arange(taken) < lengths[:, None]
        target = drawn[first : first + step, :taken]
        target[there] = lists.values[(lists.offsets[part, None] + chosen)[there]]
    return drawn


def fill_at_random(negatives: Rows, queries: Rows, positives: Ragged, passages: int, rng: np.random.Generator) -> None:
    """Replace every NONE in `negatives` [Q, n], in place, by a passage drawn uniformly from the corpus.

    It is neither among the query's `positives` nor in its row already.
    """
    known = np.sort(np.repeat(np.arange(len(positives)), positives.lengths) * passages + positives.values)
    for column in range(negatives.shape[1]):
        missing = np.flatnonzero(negatives[:, column] == NONE)
        while len(missing):
            drawn = rng.integers(0, passages, len(missing))
            unfit = (negatives[missing] == drawn[:, None]).any(axis=1) | among(
                known, queries[missing] * passages + drawn
            )
            negatives[missing[~unfit], column] = drawn[~unfit]
            missing = missing[unfit]


def among(known: Rows, keys: Rows) -> NDArray[np.bool_]:
    """Whether each of `keys` is in the ascending `known`."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys
    return found


def require_candidates(pool: Pool, sampler: str) -> Ragged:
    """The candidates of the pool. Raises ValueError when the caller gave none."""
    if pool.candidates is None:
        raise ValueError(f"{sampler} draws from mined candidates, the pool has none")
    return pool.candidates
