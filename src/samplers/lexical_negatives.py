"""Adds hard negatives found by BM25 to the batches of another sampler."""

from collections.abc import Iterable

import numpy as np

from .base import Example, Pool
from .bm25 import BM25Hard
from .shuffled import fill_at_random

STREAM = 1  # keeps these random numbers apart from those of the sampler that formed the batches


def with_lexical(batches: Iterable[list[Example]], sampler: BM25Hard, pool: Pool, epoch: int) -> list[list[Example]]:
    """The batches of one epoch, each query with lexical negatives that `sampler` draws from the candidates of `pool`.

    Deterministic per (pool.seed, epoch).
    """
    given = list(batches)
    queries = np.array([example.query for batch in given for example in batch], dtype=np.int64)
    rng = np.random.default_rng([pool.seed, epoch, STREAM])
    negatives = sampler.draw(pool, queries, rng)
    fill_at_random(negatives, queries, pool.spared, pool.passages, rng)
    drawn = iter(map(tuple, negatives.tolist()))
    return [[example._replace(lexical=next(drawn)) for example in batch] for batch in given]
