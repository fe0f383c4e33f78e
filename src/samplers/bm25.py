"""Hard negatives by BM25: passages that it ranks high and that are not positives (DPR, section 3.2)."""

from typing import ClassVar

import numpy as np

from ..settings import component
from .base import Pool
from .shuffled import Rows, Shuffled, draw_among, require_candidates


@component
class BM25Hard(Shuffled):
    """Draws each query's negatives uniformly among its top `depth` by BM25."""

    mined_by: ClassVar = "bm25"

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return draw_among(require_candidates(pool, "bm25"), queries, self.negatives, self.depth, rng)
