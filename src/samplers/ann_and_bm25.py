"""Hard negatives of two kinds: the data's own or BM25's, and those that an earlier checkpoint ranks high.

This is how the DPR of March 2021, and the BPR published with it, were trained: from the start, on Natural Questions
twice, once with the hard negatives of the release and once with those that the first DPR had found (github
facebookresearch/DPR, README: nq_train, nq_train_hn1).
"""

from typing import ClassVar

import numpy as np

from ..settings import component
from .base import Pool
from .shuffled import Rows, Shuffled, draw_among, require_candidates


@component
class ANNAndBM25(Shuffled):
    """Visits each query twice an epoch: with negatives of BM25's top `depth`, then of a checkpoint's.

    The pool's candidates are BM25's list of each query, followed by the checkpoint's.
    """

    mined_by: ClassVar = "checkpoint"
    with_bm25: ClassVar = True
    from_start: ClassVar = True

    def visits(self, pool: Pool) -> Rows:
        once = super().visits(pool)
        return np.concatenate([once, once + len(pool.positives)])

    def draw(self, pool: Pool, queries: Rows, rng: np.random.Generator) -> Rows:
        return draw_among(require_candidates(pool, "ann_and_bm25"), queries, self.negatives, self.depth, rng)
