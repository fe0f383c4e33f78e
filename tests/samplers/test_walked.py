"""Locality-centric sampling: what it draws, and the order of its visits against a walk in plain Python."""

import tracemalloc
from collections import deque
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.arrays.ragged import Ragged
from labrador.samplers.ann import ANNHard
from labrador.samplers.base import Example, Pool
from labrador.samplers.graph import ProximityGraph
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.shuffled import NONE
from labrador.samplers.snowball import Snowball
from labrador.samplers.walked import Walked

SAMPLERS = [RandomWalk, Snowball]


def walk(
    candidates: list[list[int]], chance: list[list[float]], newest_first: bool, batch_size: int = 100
) -> tuple[list[int], list[list[int]]]:
    """The visits of a graph whose queries are taken by row when the frontier is empty, and what each query draws.

    The positive of query i is passage 20 + i, which is no one's candidate.
    """
    rows = np.arange(len(candidates))
    graph = ProximityGraph.of(Ragged.from_lists(candidates), rows, 200, 20 + len(rows))
    given = np.array(chance, dtype=np.float64).reshape(len(rows), len(chance[0]))
    order, drawn = graph.walk(20 + rows, given, newest_first, batch_size)
    return order.tolist(), drawn.tolist()


def naive_walk(
    lists: list[list[int]], positives: list[int], chance: list[list[float]], newest_first: bool, batch_size: int
) -> tuple[list[int], list[list[int]]]:
    """The walk as the paper has it: each unvisited query joins the frontier as often as it shares a drawn passage;
    every batch starts with an empty frontier, and draws nothing that it already holds."""
    frontier: deque[int] = deque()
    visits: list[int] = []
    held: set[int] = set()
    drawn = [[NONE] * len(chance[0]) for _ in lists]
    while len(visits) < len(lists):
        if len(visits) % batch_size == 0:
            frontier.clear()
            held.clear()
        if frontier:
            query = frontier.pop() if newest_first else frontier.popleft()
        else:
            query = min(set(range(len(lists))) - set(visits))
        if query in visits:
            continue
        visits.append(query)
        held.add(positives[query])
        free = [passage for passage in lists[query] if passage not in held]
        for column, number in enumerate(chance[query][: len(free)]):
            pick = int(number * len(free))
            drawn[query][column] = passage = free[pick]
            free[pick] = free[-1]
            free.pop()
            held.add(passage)
            frontier.extend(other for other in range(len(lists)) if passage in lists[other] and other not in visits)
    return visits, drawn


def examples(sampler: Walked | ANNHard, pool: Pool, epoch: int = 0) -> list[Example]:
    return list(chain(*sampler.batches(pool, epoch)))


# Queries 0 1 4 share passage 10, 1 3 passage 11, 2 4 passage 12; 5 is alone with 13.
LISTS = [[10], [10, 11], [12], [11], [10, 12], [13]]
CHANCE = [[0.0], [0.9], [0.0], [0.0], [0.0], [0.0]]  # of two free candidates, 1 takes the second and 4 the first


def test_a_random_walk_worked_out_by_hand():
    """0 draws 10 and appends 1 4. The newest, 4, draws 12, since the batch holds 10, and appends 2: frontier 1 2. 2 has
    nothing left to draw. 1 draws 11 and appends 3, which has nothing left. The frontier is empty: 5, the only one
    unvisited."""
    drawn = [[10], [11], [NONE], [NONE], [12], [13]]
    assert walk(LISTS, CHANCE, newest_first=True) == ([0, 4, 2, 1, 3, 5], drawn)


def test_a_snowball_worked_out_by_hand():
    """0 draws 10 and appends 1 4. The oldest, 1, draws 11 and appends 3: frontier 4 3. 4 draws 12 and appends 2:
    frontier 3 2. Both have nothing left to draw. The frontier is empty: 5."""
    drawn = [[10], [11], [NONE], [NONE], [12], [13]]
    assert walk(LISTS, CHANCE, newest_first=False) == ([0, 1, 4, 3, 2, 5], drawn)


def test_every_batch_is_a_walk_of_its_own_and_may_draw_again_what_earlier_ones_drew():
    """Batches of two. Newest first: 0 10 and 4 12; 1 takes 11 of 10 11, 3 has nothing left; 2 draws 12, 5 13. Oldest
    first: 0 10 and 1 11; 2 12 and 4 10; 3 draws 11, 5 13."""
    newest, oldest = (walk(LISTS, CHANCE, newest_first, batch_size=2) for newest_first in (True, False))
    assert newest == ([0, 4, 1, 3, 2, 5], [[10], [11], [12], [NONE], [12], [13]])
    assert oldest == ([0, 1, 2, 4, 3, 5], [[10], [11], [12], [11], [10], [13]])


def test_a_positive_of_the_batch_is_not_drawn_either():
    """The candidate 20 of query 1 is the positive of query 0, which is in its batch, or in the one before."""
    for batch_size, second in ((2, 10), (1, 20)):
        drawn = walk([[11], [20, 10]], [[0.0], [0.0]], newest_first=True, batch_size=batch_size)[1]
        assert drawn == [[11], [second]]


def test_candidates_are_appended_in_drawn_order():
    """0 draws 11 and then 10, and appends 2 and then 1: the newest is 1, the oldest 2."""
    lists, chance = [[10, 11], [10], [11]], [[0.9, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert walk(lists, chance, newest_first=True)[0] == [0, 1, 2]
    assert walk(lists, chance, newest_first=False)[0] == [0, 2, 1]


@pytest.mark.parametrize("newest_first", [True, False])
def test_queries_without_candidates_come_in_their_order(newest_first: bool):
    assert walk([[], [10], []], [[0.0]] * 3, newest_first) == ([0, 1, 2], [[NONE], [10], [NONE]])
    assert walk([[], [], []], [[], [], []], newest_first) == ([0, 1, 2], [[], [], []])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_pool_without_a_query_to_draw_has_no_batch(sampler: type[Walked]):
    assert examples(sampler(), Pool(Ragged.from_lists([[], []]), Ragged.from_lists([[1], [2]]), 5, 4, 0)) == []


def test_the_graph_inverts_the_first_candidates_of_the_given_queries():
    candidates = Ragged.from_lists([[2, 0, 1], [], [3, 2], [0, 3, 2]])
    graph = ProximityGraph.of(candidates, np.array([3, 0, 1]), 2, 5)
    lists = [graph.queries[graph.starts[p] : graph.starts[p + 1]].tolist() for p in range(5)]
    assert lists == [[0, 1], [], [1], [0], []]  # rows 3 and 0 have places 0 and 1; passages 1 and 2 are cut off
    assert graph.queries.dtype == np.int32


@pytest.mark.parametrize(("rows", "passages", "message"), [([0, 2], 5, "rows 0..2"), ([0, 1], 4, "candidate 4")])
def test_what_is_no_row_is_told(rows: list[int], passages: int, message: str):
    with pytest.raises(ValueError, match=message):
        ProximityGraph.of(Ragged.from_lists([[0], [4]]), np.array(rows), 10, passages)


@pytest.mark.parametrize("positives", [[0], [0, 5], [0, -1]])
def test_positives_fit_the_graph(positives: list[int]):
    graph = ProximityGraph.of(Ragged.from_lists([[0], [4]]), np.arange(2), 10, 5)
    with pytest.raises(ValueError, match=r"expected 2, and passage rows in 0\.\.4"):
        graph.walk(np.array(positives), np.zeros((2, 1)), True, 4)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_graph_is_walked_as_it_is_told(data: st.DataObject):
    passages = data.draw(st.integers(8, 20))
    lists = data.draw(
        st.lists(st.lists(st.integers(0, passages - 1), max_size=5, unique=True), min_size=1, max_size=14)
    )
    positives = [data.draw(st.integers(0, passages - 1)) for _ in lists]
    candidates = [[row for row in own if row != positive] for own, positive in zip(lists, positives, strict=True)]
    generator = np.random.default_rng(data.draw(st.integers(0, 1000)))
    chance = generator.random((len(lists), data.draw(st.integers(0, 3))))
    newest_first, batch_size, depth = (
        data.draw(st.booleans()),
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(3, 5)),
    )
    graph = ProximityGraph.of(Ragged.from_lists(candidates), np.arange(len(lists)), depth, passages)
    order, drawn = graph.walk(np.array(positives), chance, newest_first, batch_size)
    cut = [own[:depth] for own in candidates]
    expected = naive_walk(cut, positives, chance.tolist(), newest_first, batch_size)
    assert (order.tolist(), drawn.tolist()) == expected


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_batch_of_any_pool_holds_a_negative_twice(data: st.DataObject):
    """Nor as what was a positive before; what is lacking comes from the corpus, which is large enough here."""
    rows = st.lists(st.integers(0, 19), max_size=5, unique=True)
    positives = data.draw(st.lists(st.lists(st.integers(0, 7), max_size=2, unique=True), min_size=1, max_size=14))
    candidates = [[row for row in data.draw(rows) if row not in judged] for judged in positives]
    sampler = data.draw(st.sampled_from(SAMPLERS))(
        negatives=data.draw(st.integers(0, 3)), depth=data.draw(st.integers(3, 5))
    )
    pool = Pool(Ragged.from_lists(positives), Ragged.from_lists(candidates), 60, data.draw(st.integers(1, 5)), 7)
    batches = list(sampler.batches(pool, 2))
    assert all(len(batch) == pool.batch_size for batch in batches[:-1])
    assert sorted(example.query for example in chain(*batches)) == [row for row, own in enumerate(positives) if own]
    for batch in batches:
        negatives = list(chain(*(example.negatives for example in batch)))
        assert len(negatives) == len(set(negatives)) == sampler.negatives * len(batch)
        before: set[int] = set()
        for query, positive, drawn, _ in batch:
            before.add(positive)
            assert positive in positives[query]
            assert not set(drawn) & (before | set(positives[query]))
            before.update(drawn)


def test_where_the_corpus_has_no_other_passage_one_of_the_batch_is_drawn():
    pool = Pool(Ragged.from_lists([[0], [1], [2]]), Ragged.from_lists([[], [], []]), 3, 3, 0)
    for number in range(10):
        (batch,) = Snowball(negatives=2).batches(pool, number)
        assert {example.query: set(example.negatives) for example in batch} == {0: {1, 2}, 1: {0, 2}, 2: {0, 1}}


def test_candidates_are_drawn_as_often_as_one_another():
    lists = Ragged.from_lists([[0, 1, 2, 3, 4]] * 3000)
    graph = ProximityGraph.of(lists, np.arange(3000), 4, 3010)
    chance = np.random.default_rng(0).random((3000, 2))
    drawn = graph.walk(10 + np.arange(3000), chance, True, 1)[1]
    counts = np.bincount(drawn.ravel(), minlength=5)
    assert counts[4] == 0
    assert np.abs(counts[:4] - 1500).max() < 140  # standard deviation 27


def crowd(queries: int, seed: int = 0) -> Pool:
    """Queries with a positive each, every fourth without; 20 candidates among 50 of 300 passages: near ones."""
    generator = np.random.default_rng(seed)
    near = [300 + start + generator.permutation(50)[:20] for start in generator.integers(0, 250, queries)]
    positives = [[row % 300] if row % 4 else [] for row in range(queries)]
    return Pool(Ragged.from_lists(positives), Ragged.from_lists([list(row) for row in near]), 600, 16, seed)


@pytest.mark.parametrize("sampler", [RandomWalk(negatives=2, depth=10), Snowball(negatives=2, depth=10)])
def test_seed_and_epoch_decide_everything(sampler: Walked):
    pool = crowd(200)
    epochs = [examples(sampler, pool, number) for number in (3, 3, 4)]
    assert epochs[0] == epochs[1]
    assert [example.query for example in epochs[0]] != [example.query for example in epochs[2]]
    assert examples(sampler, crowd(200, seed=1), 3) != epochs[0]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_queries_without_a_positive_are_neither_drawn_nor_walked(sampler: type[Walked]):
    visited = [example.query for example in examples(sampler(), crowd(200))]
    assert sorted(visited) == [row for row in range(200) if row % 4]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_neighbours_come_in_another_order_every_epoch(sampler: type[Walked]):
    pool = Pool(Ragged.from_lists([[1]] * 30), Ragged.from_lists([[0]] * 30), 2, 8, 0)
    orders = {tuple(example.query for example in examples(sampler(), pool, epoch)) for epoch in range(20)}
    assert len(orders) == 20
    assert len({order[1] for order in orders}) > 5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_without_negatives_the_order_is_random(sampler: type[Walked]):
    assert examples(sampler(negatives=0), crowd(50)) == examples(ANNHard(negatives=0), crowd(50))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_memory_mapped_candidates_are_walked_the_same(sampler: type[Walked], tmp_path: Path):
    pool = crowd(100)
    assert pool.candidates is not None
    np.save(tmp_path / "values.npy", pool.candidates.values)
    np.save(tmp_path / "offsets.npy", pool.candidates.offsets)
    mapped = Ragged(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("values", "offsets")))
    assert examples(sampler(), Pool(pool.positives, mapped, 600, 16, 0)) == examples(sampler(), pool)
    assert pool.candidates.values.flags.writeable


@pytest.mark.parametrize("newest_first", [True, False])
def test_hubs_cost_no_more_than_their_edges(newest_first: bool):
    """All of 50,000 queries share two passages and draw both: as queries, the frontier would hold 2.5 billion."""
    count = 50_000
    graph = ProximityGraph.of(Ragged.from_lists([[0, 1]] * count), np.arange(count), 200, 3)
    given = np.full(count, 2), np.zeros((count, 2)), newest_first, count
    graph.walk(*given)  # what numba loads is not counted
    tracemalloc.start()
    order, drawn = graph.walk(*given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(order.tolist()) == list(range(count))
    assert peak < 3 * 8 * drawn.size


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_candidates_are_needed(sampler: type[Walked]):
    with pytest.raises(ValueError, match=f"{sampler.__name__} draws from mined candidates, the pool has none"):
        examples(sampler(), Pool(Ragged.from_lists([[0], [1]]), None, 10, 4, 0))
