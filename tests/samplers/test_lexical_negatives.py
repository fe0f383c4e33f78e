"""Lexical hard negatives, added to the batches of another sampler."""

from itertools import chain

from labrador.arrays.ragged import Ragged
from labrador.samplers.base import Pool
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.lexical_negatives import with_lexical
from labrador.samplers.random import Random

POSITIVES = Ragged.from_lists([[3], [], [0, 5], [7]])
BY_BM25 = Ragged.from_lists([[5, 6, 7], [1], [6, 3, 9], []])
POOL = Pool(POSITIVES, BY_BM25, 10, 2, seed=0)


def test_the_batches_stay_and_every_query_gets_lexical_negatives():
    seen: dict[int, set[int]] = {}
    for epoch in range(30):
        formed = list(Random(negatives=2).batches(POOL, epoch))
        given = with_lexical(formed, BM25Hard(negatives=1, depth=2), POOL, epoch)
        assert [[example._replace(lexical=()) for example in batch] for batch in given] == formed
        for example in chain(*given):
            seen.setdefault(example.query, set()).update(example.lexical)
            assert len(example.lexical) == 1
    assert seen[0] == {5, 6}
    assert seen[2] == {6, 3}
    assert 7 not in seen[3]  # none was found: from the corpus, but never a positive
    assert len(seen[3]) > 3


def test_seed_and_epoch_decide_them():
    formed = list(Random().batches(POOL, 0))
    first, again, later = (with_lexical(formed, BM25Hard(), POOL, epoch) for epoch in (0, 0, 1))
    assert first == again
    assert first != later
