"""Samplers that walk the proximity graph: queries of a batch share candidates (BiDR: Xiao et al., WWW 2022)."""

from typing import ClassVar

import numpy as np

from ..settings import component, setting
from .base import Pool
from .shuffled import NONE, Rows, Shuffled, draw_among, require_candidates


@component
class Walked(Shuffled):
    """Draws negatives uniformly among a query's top `depth` and next visits a query that shares one of them.

    The passages of a batch are thus hard negatives of many of its queries, not only of the one they were drawn for.
    Every batch is a separate walk from a random unvisited query. A candidate leads to its queries in the random order
    of the epoch. Passages that the batch already holds, as positives or negatives, are not drawn, as in BiDR's code
    (`query2neg[qid] - nids_order`). Passages filled in at random, where candidates run out, lead nowhere; with
    negatives=0 all queries come in random order.
    """

    mined_by: ClassVar = "checkpoint"
    version: ClassVar[int] = 4  # 1: one frontier for all batches; 2: as 1 of `Shuffled`; 3: drew what the batch held
    newest_first: ClassVar[bool]  # which query of the frontier is visited next

    depth: int = setting(200, "hard negatives are drawn from this many top-ranked passages", ge=1)

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return draw_among(require_candidates(pool, type(self).__name__), queries, self.negatives, self.depth, rng)

    def arrange(self, pool: Pool, visits: Rows, positives: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        if not self.negatives:
            return super().arrange(pool, visits, positives, rng)
        from .graph import ProximityGraph

        candidates = require_candidates(pool, type(self).__name__)
        graph = ProximityGraph.of(candidates, visits, self.depth, pool.passages)
        chance = rng.random((len(visits), self.negatives))
        return graph.walk(positives, chance, self.newest_first, pool.batch_size)

    def fill(self, pool: Pool, queries: Rows, positives: Rows, negatives: Rows, rng: np.random.Generator) -> None:
        """Fill with passages that the batch does not hold or, in a tiny corpus, with any that are not positives."""
        lacking = np.unique(np.flatnonzero((negatives == NONE).any(axis=1)) // pool.batch_size)
        for first in lacking * pool.batch_size:
            part = slice(first, first + pool.batch_size)
            held = set(positives[part].tolist()) | set(negatives[part].ravel().tolist())
            for query, row in zip(queries[part].tolist(), negatives[part], strict=True):
                spared = set(pool.spared[query].tolist())
                for column in np.flatnonzero(row == NONE):
                    barred = held | spared
                    if len(barred - {NONE}) >= pool.passages:
                        barred = spared | set(row.tolist())
                    row[column] = drawn = _outside(barred, pool.passages, rng)
                    held.add(drawn)


def _outside(barred: set[int], passages: int, rng: np.random.Generator) -> int:
    """A passage in 0..passages - 1 that is not among `barred`, drawn uniformly; there must be one."""
    while (drawn := int(rng.integers(passages))) in barred:
        pass
    return drawn
