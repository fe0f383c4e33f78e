"""Locality-centric sampling: what it draws, and the order of its visits against a walk in plain Python."""

import tracemalloc
from collections import deque
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.data.ragged import Ragged
from labrador.samplers.ann import ANNHard
from labrador.samplers.base import Example, Pool
from labrador.samplers.graph import ProximityGraph
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.shuffled import NONE
from labrador.samplers.snowball import Snowball
from labrador.samplers.walked import Walked

SAMPLERS = [RandomWalk, Snowball]


def walk(candidates: list[list[int]], drawn: list[list[int]], newest_first: bool, batch_size: int = 100) -> list[int]:
    """The visits of a graph whose queries are taken by row when the frontier is empty."""
    rows = np.arange(len(candidates))
    passages = 1 + max(chain(*candidates), default=0)
    graph = ProximityGraph.of(Ragged.from_lists(candidates), rows, 200, passages)
    given = np.array(drawn, dtype=np.int64).reshape(len(rows), len(drawn[0]))
    return graph.walk(given, newest_first, batch_size).tolist()


def naive_walk(lists: list[list[int]], drawn: list[list[int]], newest_first: bool, batch_size: int) -> list[int]:
    """The walk as it is told: a frontier of queries, to which every unvisited query is appended as often as it shares a
    drawn passage, and which every batch starts without."""
    frontier: deque[int] = deque()
    visits: list[int] = []
    while len(visits) < len(lists):
        if len(visits) % batch_size == 0:
            frontier.clear()
        if frontier:
            query = frontier.pop() if newest_first else frontier.popleft()
        else:
            query = min(set(range(len(lists))) - set(visits))
        if query in visits:
            continue
        visits.append(query)
        for passage in drawn[query]:
            frontier.extend(other for other in range(len(lists)) if passage in lists[other] and other not in visits)
    return visits


def examples(sampler: Walked | ANNHard, pool: Pool, epoch: int = 0) -> list[Example]:
    return list(chain(*sampler.batches(pool, epoch)))


# Queries 0 1 4 share passage 10, 1 3 passage 11, 2 4 passage 12; 5 is alone with 13.
LISTS = [[10], [10, 11], [12], [11], [10, 12], [13]]
DRAWN = [[10], [11], [12], [11], [12], [13]]


def test_a_random_walk_worked_out_by_hand():
    """0 draws 10 and appends 1 4. The newest, 4, draws 12 and appends 2: frontier 1 2. 2 draws 12, which has no one
    left. 1 draws 11 and appends 3. 3 has no one left. The frontier is empty: 5, the only one unvisited."""
    assert walk(LISTS, DRAWN, newest_first=True) == [0, 4, 2, 1, 3, 5]


def test_a_snowball_worked_out_by_hand():
    """0 draws 10 and appends 1 4. The oldest, 1, draws 11 and appends 3: frontier 4 3. 4 draws 12 and appends 2:
    frontier 3 2. Both add nothing. The frontier is empty: 5."""
    assert walk(LISTS, DRAWN, newest_first=False) == [0, 1, 4, 3, 2, 5]


def test_every_batch_is_a_walk_of_its_own():
    """Batches of two: 0 and, of 1 4, the newest 4 or the oldest 1; then the first unvisited, 1 or 2, and so on."""
    assert walk(LISTS, DRAWN, newest_first=True, batch_size=2) == [0, 4, 1, 3, 2, 5]
    assert walk(LISTS, DRAWN, newest_first=False, batch_size=2) == [0, 1, 2, 4, 3, 5]


def test_a_passage_that_is_drawn_again_brings_its_queries_to_the_top():
    """0 draws 10 and appends 1 2 3. 3, the newest, draws 11 and then 10, and appends 4, 1 2: frontier 1 2 4 1 2. So 2
    and 1 come before 4; without the second 10 on top it would be 4."""
    lists = [[10], [10], [10], [10, 11], [11]]
    drawn = [[10, NONE], [10, NONE], [10, NONE], [11, 10], [11, NONE]]
    assert walk(lists, drawn, newest_first=True) == [0, 3, 2, 1, 4]
    assert walk(lists, drawn, newest_first=False) == [0, 1, 2, 3, 4]


def test_candidates_are_appended_in_drawn_order():
    """0 appends 2 and then 1: the newest is 1, the oldest 2."""
    lists = [[10, 11], [10], [11]]
    assert walk(lists, [[11, 10], [10, NONE], [11, NONE]], newest_first=True) == [0, 1, 2]
    assert walk(lists, [[11, 10], [10, NONE], [11, NONE]], newest_first=False) == [0, 2, 1]


@pytest.mark.parametrize("newest_first", [True, False])
def test_queries_without_candidates_come_in_their_order(newest_first: bool):
    assert walk([[], [10], []], [[NONE]] * 3, newest_first) == [0, 1, 2]
    assert walk([[], [], []], [[], [], []], newest_first) == [0, 1, 2]


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


@pytest.mark.parametrize("drawn", [[[0]], [[0], [5]], [[0], [-2]]])
def test_drawn_candidates_fit_the_graph(drawn: list[list[int]]):
    graph = ProximityGraph.of(Ragged.from_lists([[0], [4]]), np.arange(2), 10, 5)
    with pytest.raises(ValueError, match=r"expected 2, and passage rows in 0\.\.4"):
        graph.walk(np.array(drawn), True, 4)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_pool_is_walked_as_it_is_told(data: st.DataObject):
    """The same examples as ANNHard draws, visited in the order of the naive walk from ANNHard's order."""
    passages = data.draw(st.integers(8, 20))
    rows = st.lists(st.integers(0, passages - 1), max_size=5, unique=True)
    positives = data.draw(st.lists(st.lists(st.integers(0, 7), max_size=2, unique=True), min_size=1, max_size=14))
    candidates = [[row for row in data.draw(rows) if row not in judged] for judged in positives]
    sampler = data.draw(st.sampled_from(SAMPLERS))(
        negatives=data.draw(st.integers(0, 3)), depth=data.draw(st.integers(3, 5))
    )
    pool = Pool(Ragged.from_lists(positives), Ragged.from_lists(candidates), passages, data.draw(st.integers(1, 5)), 7)
    batches = list(sampler.batches(pool, 2))
    assert all(len(batch) == pool.batch_size for batch in batches[:-1])
    assert sorted(example.query for example in chain(*batches)) == [row for row, own in enumerate(positives) if own]
    for query, positive, negatives in chain(*batches):
        assert positive in positives[query]
        assert len(set(negatives)) == sampler.negatives
        assert not set(negatives) & set(positives[query])
    shuffled = examples(ANNHard(sampler.negatives, sampler.depth), pool, 2)
    lists = [candidates[example.query][: sampler.depth] for example in shuffled]
    drawn = [[row for row in example.negatives if row in own] for example, own in zip(shuffled, lists, strict=True)]
    expected = naive_walk(lists, drawn, sampler.newest_first, pool.batch_size)
    assert list(chain(*batches)) == [shuffled[place] for place in expected]


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
    graph = ProximityGraph.of(Ragged.from_lists([[0, 1]] * count), np.arange(count), 200, 2)
    drawn = np.tile([0, 1], (count, 1))
    graph.walk(drawn, newest_first, count)  # what numba loads is not counted
    tracemalloc.start()
    order = graph.walk(drawn, newest_first, count)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sorted(order.tolist()) == list(range(count))
    assert peak < 2 * 8 * drawn.size


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_candidates_are_needed(sampler: type[Walked]):
    with pytest.raises(ValueError, match=f"{sampler.__name__} draws from mined candidates, the pool has none"):
        examples(sampler(), Pool(Ragged.from_lists([[0], [1]]), None, 10, 4, 0))
