"""Vectors and judged queries that a quantizer can learn from."""

import numpy as np
import pytest

from labrador.arrays.ragged import Ragged
from labrador.quantizers.base import JudgedQueries, TrainingVectors

D = 32


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors():
    """600 passages whose meaning lies in half of the dimensions, the rest is noise; 200 queries near theirs."""
    generator = np.random.default_rng(0)
    weights = np.r_[np.ones(D // 2), np.full(D // 2, 0.9)].astype(np.float32)
    passages = generator.standard_normal((600, D)) * weights
    positives = generator.permutation(600)[:200]
    queries = passages[positives].copy()
    queries[:, D // 2 :] = generator.standard_normal((200, D // 2))  # the second half says nothing
    queries += 0.2 * generator.standard_normal((200, D))
    passages, queries = unit(passages), unit(queries)
    best = np.argsort(-queries @ passages.T, axis=1)[:, :20]
    negatives = [[row for row in rows if row != positive] for rows, positive in zip(best, positives, strict=True)]
    judged = Ragged.from_lists([[row] for row in positives])
    return TrainingVectors(passages, JudgedQueries(queries, judged, Ragged.from_lists(negatives)))


@pytest.fixture
def rank_of_positives():
    """The mean place of each query's positive by <q, decoded code>, of a codec and its training vectors."""

    def rank(codec, x):
        scores = x.judged.queries @ codec.decode(codec.encode(x.passages)).T
        own = scores[np.arange(len(scores)), x.judged.positives.values]
        return float((scores > own[:, None]).sum(axis=1).mean())

    return rank
