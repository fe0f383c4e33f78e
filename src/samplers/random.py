"""Hard negatives that are not hard: passages drawn uniformly from the corpus, the baseline of the samplers."""

import numpy as np

from ..settings import component
from .base import Pool
from .shuffled import NONE, Rows, Shuffled


@component
class Random(Shuffled):
    """Draws each query's negatives from the whole corpus."""

    depth: int = 100  # not a setting: nothing is mined

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return np.full((len(queries), self.negatives), NONE, dtype=np.int64)
