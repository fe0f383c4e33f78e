"""Samplers that walk the proximity graph, so that the queries of a batch share candidates (BiDR: Xiao et al., 2022)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import Pool
from .shuffled import Rows, Shuffled, draw_among, require_candidates


@dataclass(frozen=True)
class Walked(Shuffled):
    """Draws negatives uniformly among a query's top `depth` and visits next a query that shares a drawn one.

    So the passages of a batch, though drawn for other queries, are hard negatives for many of its queries. Every batch
    is a walk of its own, from a random query that no earlier one has visited. A candidate leads to its queries in the
    random order of the epoch. What is filled at random where a query has too few candidates leads nowhere, and with
    negatives=0 all queries come in random order.
    """

    mined_by: ClassVar = "checkpoint"
    version: ClassVar[int] = 3  # 1: the frontier went on from batch to batch; 2: as `Shuffled`'s 1
    newest_first: ClassVar[bool]  # which query of the frontier is visited next

    depth: int = 200

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        candidates = require_candidates(pool, type(self).__name__)
        return draw_among(candidates, queries, self.negatives, self.depth, rng)

    def order(self, pool: Pool, queries: Rows, negatives: Rows) -> Rows:
        if not self.negatives:
            return super().order(pool, queries, negatives)
        from .graph import ProximityGraph

        candidates = require_candidates(pool, type(self).__name__)
        graph = ProximityGraph.of(candidates, queries, self.depth, pool.passages)
        return graph.walk(negatives, self.newest_first, pool.batch_size)
