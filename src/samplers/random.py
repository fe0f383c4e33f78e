"""Hard negatives that are not hard: passages drawn uniformly from the corpus, the baseline of the samplers."""

from dataclasses import dataclass

import numpy as np

from .base import Pool
from .shuffled import NONE, Rows, Shuffled


@dataclass(frozen=True)
class Random(Shuffled):
    """Draws each query's negatives from the whole corpus; `depth` has no meaning here."""

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return np.full((len(queries), self.negatives), NONE, dtype=np.int64)
