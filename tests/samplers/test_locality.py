"""The share of others' passages that are a query's candidates, worked out by hand and on walks."""

import numpy as np
import pytest

from benchmarks.locality import candidate_shares, locality
from labrador.arrays.ragged import Ragged
from labrador.samplers.ann import ANNHard
from labrador.samplers.base import Example, Pool, Sampler
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.snowball import Snowball

CANDIDATES = Ragged.from_lists([[1, 4, 5], [0, 9], [], [4, 3]])


def test_shares_worked_out_by_hand():
    """The batch has passages 0 1 2 3 4 5. Of query 0 the others' are 1 2 3 5, of which 1 and 5 are candidates (4 is
    drawn for itself); of query 1 they are 0 2 4 5: 0; of query 2, which has no candidates: 0 1 3 4."""
    batch = [Example(0, 0, (4,)), Example(1, 1, (3,)), Example(2, 2, (5,))]
    np.testing.assert_allclose(candidate_shares(batch, CANDIDATES), [2 / 4, 1 / 4, 0])
    assert locality([batch], CANDIDATES) == pytest.approx(1 / 4)


def test_a_passage_counts_once_and_an_own_one_never():
    """Query 3 drew 4 and so did query 0: it is 3's own. The others' passages are 0 for 3, of 0: 8."""
    batch = [Example(0, 0, (4,)), Example(3, 8, (4,)), Example(0, 0, (4,))]
    np.testing.assert_allclose(candidate_shares(batch, Ragged.from_lists([[8], [], [], [0, 4]])), [1, 1, 1])


def test_the_mean_is_over_queries_and_leaves_out_those_that_are_alone():
    pair = [Example(0, 0, ()), Example(1, 1, ())]
    alone = [Example(2, 2, (5,))]
    assert locality([pair, pair, alone], CANDIDATES) == 1
    assert locality(iter([pair, [Example(1, 7, ()), Example(3, 8, ())]]), CANDIDATES) == 0.5
    with pytest.raises(ValueError, match="besides a query's own"):
        locality([alone], CANDIDATES)


@pytest.mark.parametrize("sampler", [RandomWalk(), Snowball()])
def test_a_walk_is_more_local_than_a_shuffle(sampler: Sampler):
    """40 groups of 8 queries share the group's 20 passages; a batch has 8 queries."""
    candidates = Ragged.from_lists([list(range(20 * (row // 8), 20 * (row // 8) + 20)) for row in range(320)])
    pool = Pool(Ragged.from_lists([[800 + row] for row in range(320)]), candidates, 1120, 8, 0)
    assert locality(ANNHard().batches(pool, 0), candidates) < 0.05
    assert locality(sampler.batches(pool, 0), candidates) > 0.35  # the negatives; positives are no one's candidates
