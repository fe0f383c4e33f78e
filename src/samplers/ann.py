"""Hard negatives by vectors: passages that an earlier checkpoint ranks high (ANCE, Xiong et al., 2021)."""

from typing import ClassVar

import numpy as np

from ..settings import component
from .base import Pool
from .shuffled import Rows, Shuffled, draw_among, require_candidates


@component
class ANNHard(Shuffled):
    """Draws each query's negatives uniformly among the top `depth` of a checkpoint's search."""

    mined_by: ClassVar = "checkpoint"

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return draw_among(require_candidates(pool, "ann"), queries, self.negatives, self.depth, rng)
