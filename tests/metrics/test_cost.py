"""What is timed, on a clock that only the search moves."""

from types import SimpleNamespace

import numpy as np
import pytest

from labrador.metrics import cost
from labrador.metrics.cost import latencies, measure, search_batches, throughput


class Machine:
    """A search whose n-th call takes `times[n]` seconds (the last one again and again), and the clock it runs on."""

    def __init__(self, *times: float):
        self.times, self.now, self.sizes = list(times), 0.0, []

    def clock(self) -> float:
        return self.now

    def search(self, queries, k):
        self.now += self.times[min(len(self.sizes), len(self.times) - 1)]
        self.sizes.append(len(queries))
        ids = np.array([[int(query[0]) * 10 + rank for rank in range(k)] for query in queries])
        return SimpleNamespace(ids=ids, scores=-ids.astype(np.float32), stages=self.stages())

    def stages(self):
        """Of a search that has one stage."""
        return {}


class TwoStages(Machine):
    """Its searches of n queries take n and 2 n milliseconds in their stages; the ninth, single, search 30 and 60."""

    def stages(self):
        times = 30 if len(self.sizes) == 9 else self.sizes[-1]
        return {"candidates": 1.0 * times, "rerank": 2.0 * times}


@pytest.fixture
def machine(monkeypatch):
    def start(*times):
        built = Machine(*times)
        monkeypatch.setattr(cost, "perf_counter", built.clock)
        return built

    return start


def vectors(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None]


def test_latency_is_in_milliseconds_and_leaves_out_the_warm_up(machine):
    slow_start = machine(*[1.0] * cost.WARM_UP, 0.002, 0.004)
    taken, stages = latencies(slow_start.search, vectors(10), 3, limit=4, seconds=60)
    np.testing.assert_allclose(taken, [2, 4, 4, 4])
    assert stages == {}
    assert slow_start.sizes == [1] * (cost.WARM_UP + 4)


def test_latency_stops_when_its_time_is_up(machine):
    slow = machine(10.0)
    assert len(latencies(slow.search, vectors(10), 3, limit=200, seconds=25)[0]) == 3
    assert slow.sizes == [1] * 6  # three to warm up, until 25 s had passed, and as many that count


def test_queries_per_second_are_those_of_batches(machine):
    steady = machine(*[0.5] * (cost.WARM_UP + 7), 0.25)
    figures = measure(steady.search, vectors(7), 2, batch_size=3)
    assert steady.sizes[-4:] == [3, 3, 3, 1]  # the first to warm up
    assert figures["latency_ms"] == {"p50": pytest.approx(500), "p99": pytest.approx(500)}
    assert figures["qps"] == pytest.approx(7 / 0.75)
    assert figures.keys() == {"latency_ms", "qps", "threads"}


def test_a_slow_first_search_and_a_slow_first_batch_are_not_timed(machine):
    """As with numba, which is imported and compiles at the first single query or batch."""
    compiling = machine(10.0, *[0.001] * (cost.WARM_UP - 1 + 7), 9.0, 0.007)
    figures = measure(compiling.search, vectors(7), 2, batch_size=7)
    assert compiling.sizes[-2:] == [7, 7]
    assert figures["qps"] == pytest.approx(1000)
    assert figures["latency_ms"]["p50"] == pytest.approx(1)


def test_no_batch_warms_up_what_has_ranked_batches(machine):
    steady = machine(*[0.5] * (cost.WARM_UP + 7), 0.25)
    figures = measure(steady.search, vectors(7), 2, batch_size=3, warm=True)
    assert steady.sizes[cost.WARM_UP + 7 :] == [3, 3, 1]
    assert figures["qps"] == pytest.approx(7 / 0.75)


def test_throughput_stops_when_its_time_is_up(machine):
    slow = machine(15.0)
    assert throughput(slow.search, vectors(10), 3, batch_size=2, seconds=20) == pytest.approx(4 / 30)
    assert slow.sizes == [2, 2]


def test_every_query_is_ranked(machine):
    steady = machine(1.0)
    ranking = search_batches(steady.search, vectors(7), 2, 3)
    np.testing.assert_array_equal(ranking.ids, [[q * 10, q * 10 + 1] for q in range(7)])
    np.testing.assert_array_equal(ranking.scores, -ranking.ids)
    assert steady.sizes == [3, 3, 1]


def test_percentiles(machine):
    rising = machine(*[0.0] * cost.WARM_UP, *(n / 1000 for n in range(1, 102)), 1.0)
    figures = measure(rising.search, vectors(101), 1, limit=101)
    assert figures["latency_ms"] == {"p50": pytest.approx(51), "p99": pytest.approx(100)}


def test_the_stages_of_single_searches_have_their_p50(monkeypatch):
    timed = TwoStages(1.0)
    monkeypatch.setattr(cost, "perf_counter", timed.clock)
    taken, stages = latencies(timed.search, vectors(6), 3, limit=6, seconds=60)
    assert len(taken) == 6
    assert stages == {"candidates": [1, 1, 1, 30, 1, 1], "rerank": [2, 2, 2, 60, 2, 2]}
    again = TwoStages(1.0)
    monkeypatch.setattr(cost, "perf_counter", again.clock)
    figures = measure(again.search, vectors(6), 2, batch_size=6)
    seconds = pytest.approx(1000)
    assert figures["latency_ms"] == {"p50": seconds, "p99": seconds, "candidates": 1, "rerank": 2}


def test_texts_are_searched_too(machine):
    ranking = search_batches(machine(1.0).search, ["1", "2"], 1, 8)
    assert ranking.ids.tolist() == [[10], [20]]
