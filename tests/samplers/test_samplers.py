"""What all samplers that shuffle have in common, and what each draws."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.arrays.ragged import Ragged
from labrador.errors import LabradorError
from labrador.samplers.ann import ANNHard
from labrador.samplers.ann_and_bm25 import ANNAndBM25
from labrador.samplers.base import Example, Pool, Sampler
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.shuffled import draw_among
from labrador.samplers.snowball import Snowball

POSITIVES = [[3], [], [0, 5], [3], [7], [1, 2, 4], [9]]
CANDIDATES = [[5, 6, 7], [1], [6, 3, 9], [], [8, 9, 0, 1], [0, 9, 8, 7, 6], [2]]
SAMPLERS: list[Sampler] = [Random(negatives=2), BM25Hard(negatives=2, depth=3), ANNHard(negatives=2, depth=3)]


def pool(batch_size: int = 4, seed: int = 0) -> Pool:
    return Pool(Ragged.from_lists(POSITIVES), Ragged.from_lists(CANDIDATES), 10, batch_size, seed)


def epoch(sampler: Sampler, pool: Pool, number: int = 0) -> list[list[Example]]:
    return list(sampler.batches(pool, number))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_query_with_a_positive_is_visited_once(sampler: Sampler):
    batches = epoch(sampler, pool())
    assert [len(batch) for batch in batches] == [4, 2]
    assert sorted(example.query for batch in batches for example in batch) == [0, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_positives_are_the_querys_and_negatives_are_not(sampler: Sampler):
    for number in range(30):
        for batch in epoch(sampler, pool(), number):
            for example in batch:
                assert example.positive in POSITIVES[example.query]
                assert len(set(example.negatives)) == 2
                assert not set(example.negatives) & set(POSITIVES[example.query])
                assert all(0 <= row < 10 for row in example.negatives)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_seed_and_epoch_decide_everything(sampler: Sampler):
    assert epoch(sampler, pool(), 3) == epoch(sampler, pool(), 3)
    assert epoch(sampler, pool(), 3) != epoch(sampler, pool(), 4)
    assert epoch(sampler, pool(seed=0), 3) != epoch(sampler, pool(seed=1), 3)


def test_each_positive_is_drawn_as_often():
    counts = np.zeros(10)
    for number in range(600):
        for example in epoch(Random(), pool(), number)[0] + epoch(Random(), pool(), number)[1]:
            counts[example.positive] += example.query == 5
    assert counts[[1, 2, 4]].sum() == 600
    assert counts[[1, 2, 4]].min() > 160  # 200 expected, standard deviation 12


RANKED = Ragged.from_lists([[3], [], [5, 0], [3], [7], [4, 1, 2], [9]])
FIRST = {0: 3, 2: 5, 3: 3, 4: 7, 5: 4, 6: 9}


@pytest.mark.parametrize("sampler", [Random, BM25Hard, ANNHard, RandomWalk, Snowball])
def test_the_first_positive_of_the_list_at_every_visit(sampler: type[Sampler]):
    drawn = replace(pool(), positives=RANKED)
    for number in range(5):
        examples = chain(*epoch(sampler(positive="first"), drawn, number))
        assert {example.query: example.positive for example in examples} == FIRST


def test_any_positive_is_drawn_the_same_whatever_the_order_of_the_list():
    for number in range(5):
        assert epoch(Random(positive="any"), replace(pool(), positives=RANKED), number) == epoch(
            Random(positive="any"), pool(), number
        )


def test_the_data_says_which_positive_where_nothing_is_asked_for():
    assert BM25Hard().resolved("first") == BM25Hard(positive="first")
    assert BM25Hard().resolved("any") == BM25Hard(positive="any")
    assert BM25Hard(positive="any").resolved("first") == BM25Hard(positive="any")
    with pytest.raises(LabradorError, match=r"^positive=best: expected one of auto, first, any$"):
        BM25Hard(positive="best")  # type: ignore[arg-type]


@pytest.mark.parametrize("sampler", [BM25Hard(negatives=1, depth=3), ANNHard(negatives=1, depth=3)])
def test_mined_negatives_come_from_the_top_of_the_candidates(sampler: Sampler):
    seen: dict[int, set[int]] = {}
    for number in range(80):
        for example in chain(*epoch(sampler, pool(), number)):
            seen.setdefault(example.query, set()).update(example.negatives)
    assert seen[0] == {5, 6, 7}
    assert seen[4] == {8, 9, 0}
    assert seen[5] == {0, 9, 8}
    assert seen[6] == {2}


def test_missing_candidates_are_filled_at_random():
    seen = set()
    for number in range(80):
        for example in chain(*epoch(BM25Hard(negatives=2), pool(), number)):
            if example.query == 6:
                assert 2 in example.negatives
                seen.update(example.negatives)
    assert seen == {0, 1, 2, 3, 4, 5, 6, 7, 8}


def test_candidates_are_drawn_uniformly_without_repeats():
    lists = Ragged.from_lists([list(range(100, 110))] * 5000)
    drawn = draw_among(lists, np.arange(5000), 3, 5, np.random.default_rng(0))
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    counts = np.bincount(drawn.ravel() - 100, minlength=10)
    assert counts[5:].sum() == 0
    assert np.abs(counts[:5] - 3000).max() < 200  # standard deviation 35


def test_no_negatives_at_all():
    assert {example.negatives for batch in epoch(BM25Hard(negatives=0), pool()) for example in batch} == {()}


def test_a_corpus_too_small_for_the_negatives():
    assert epoch(Random(negatives=7), pool())
    with pytest.raises(LabradorError, match=r"sampler\.negatives=8: .*only 7 passages"):
        epoch(Random(negatives=8), pool())


def test_a_mined_sampler_needs_candidates():
    with pytest.raises(ValueError, match="the pool has none"):
        epoch(BM25Hard(), Pool(Ragged.from_lists(POSITIVES), None, 10, 4, 0))


@pytest.mark.parametrize(("fields", "message"), [({"negatives": -1}, "negatives=-1"), ({"depth": 0}, "depth=0")])
def test_settings_are_checked(fields: dict[str, int], message: str):
    with pytest.raises(LabradorError, match=message):
        BM25Hard(**fields)


def test_only_mined_negatives_are_drawn_among_the_best():
    assert Random(negatives=200).negatives == 200
    with pytest.raises(LabradorError, match=r"^negatives=200: expected at most depth=100; lower it, or raise depth"):
        BM25Hard(negatives=200)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_pool(data: st.DataObject):
    passages = data.draw(st.integers(6, 30))
    rows = st.lists(st.integers(0, passages - 1), max_size=4, unique=True)
    positives = data.draw(st.lists(rows, min_size=1, max_size=12))
    candidates = [[row for row in data.draw(rows) if row not in judged] for judged in positives]
    sampler = BM25Hard(negatives=data.draw(st.integers(0, 2)), depth=data.draw(st.integers(2, 5)))
    size = data.draw(st.integers(1, 5))
    drawn = Pool(Ragged.from_lists(positives), Ragged.from_lists(candidates), passages, size, 7)
    batches = epoch(sampler, drawn, data.draw(st.integers(0, 3)))
    examples = list(chain(*batches))
    assert sorted(example.query for example in examples) == [row for row, judged in enumerate(positives) if judged]
    assert all(len(batch) == size for batch in batches[:-1])
    for query, positive, negatives, _ in examples:
        assert positive in positives[query]
        assert len(set(negatives)) == sampler.negatives
        assert not set(negatives) & set(positives[query])
        top = candidates[query][: sampler.depth]
        assert len(set(negatives) & set(top)) >= min(sampler.negatives, len(top))


def test_ann_and_bm25_visits_every_query_twice_with_negatives_of_either_kind():
    bm25, mined = Ragged.from_lists(CANDIDATES), Ragged.from_lists([[8], [], [4, 2], [2, 1], [6], [], [0]])
    both = replace(pool(batch_size=5), candidates=bm25.followed_by(mined))
    drawn: dict[int, set[int]] = {query: set() for query in range(7)}
    for number in range(40):
        batches = epoch(ANNAndBM25(depth=1), both, number)
        assert [len(batch) for batch in batches] == [5, 5, 2]
        examples = list(chain.from_iterable(batches))
        assert sorted(example.query for example in examples) == sorted([0, 2, 3, 4, 5, 6] * 2)
        for example in examples:
            assert example.positive in POSITIVES[example.query]
            drawn[example.query].update(example.negatives)
    assert [drawn[query] for query in (0, 2, 4, 6)] == [{5, 8}, {6, 4}, {8, 6}, {2, 0}]
    assert {2} < drawn[3] <= set(range(10)) - {3}  # without candidates by BM25: at random then
