"""What a search costs in time. Works with anything that searches: an index (vectors), bm25 (texts)."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..progress import bar

Queries = NDArray[np.float32] | Sequence[str]  # float32 [Q, D], or Q texts

WARM_UP = 5  # searches before the first that counts
BATCH = 1024  # queries searched at once where throughput is measured


class Ranked(Protocol):
    """What a search returns."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Passage rows int64 [Q, k], best first, -1 = none."""

    @property
    def scores(self) -> NDArray[np.float32]:
        """Their scores float32 [Q, k]."""

    @property
    def stages(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the search, by name; empty where it has one stage alone."""


class Ranking(NamedTuple):
    """The ranked passages of all queries: ids int64 [Q, k], scores float32 [Q, k]."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


Search = Callable[[Any, int], Ranked]  # (queries, k) -> their ranked passages


def measure(
    search: Search, queries: Queries, k: int, *, batch_size: int = BATCH, limit: int = 200, seconds: float = 20.0
) -> tuple[Ranking, dict[str, Any]]:
    """Search all Q >= 1 queries for their `k` best passages and say what it cost, search only.

    The cost is {"latency_ms": {"p50", "p99"}, "qps", "threads"}: percentiles over up to `limit` searches of one query
    each, which end early once they have taken `seconds`, and the rate over batches of `batch_size`. Beside the
    percentiles stands the p50 of each stage of these searches, by the stage's name, where they have several.
    """
    taken, stages = latencies(search, queries, k, limit=limit, seconds=seconds)
    p50, p99 = np.percentile(taken, [50, 99]).tolist()
    latency = {"p50": p50, "p99": p99} | {stage: float(np.median(told)) for stage, told in stages.items()}
    ranking, qps = search_batches(search, queries, k, batch_size)
    return ranking, {"latency_ms": latency, "qps": qps, "threads": threads()}


def latencies(
    search: Search, queries: Queries, k: int, *, limit: int, seconds: float
) -> tuple[NDArray[np.float64], dict[str, list[float]]]:
    """Milliseconds of each search of one query, [n <= limit], and of each stage of these searches, by its name.

    The warm-up searches are not among them.
    """
    end = perf_counter() + seconds
    for row in range(min(WARM_UP, len(queries))):
        search(queries[row : row + 1], k)
        if perf_counter() > end:
            break
    taken: list[float] = []
    stages: dict[str, list[float]] = defaultdict(list)
    for row in range(min(limit, len(queries))):
        start = perf_counter()
        found = search(queries[row : row + 1], k)
        stop = perf_counter()
        taken.append((stop - start) * 1000)
        for stage, milliseconds in found.stages.items():
            stages[stage].append(milliseconds)
        if stop > end:
            break
    return np.array(taken), stages


def search_batches(search: Search, queries: Queries, k: int, batch_size: int) -> tuple[Ranking, float]:
    """The ranking of all queries, searched in batches, and the queries searched per second."""
    parts: list[Ranked] = []
    taken = 0.0
    with bar("searching", " queries", total=len(queries)) as shown:
        for row in range(0, len(queries), batch_size):
            batch = queries[row : row + batch_size]
            start = perf_counter()
            parts.append(search(batch, k))
            taken += perf_counter() - start
            shown.update(len(batch))
    ids, scores = (np.concatenate(arrays) for arrays in zip(*((part.ids, part.scores) for part in parts), strict=True))
    return Ranking(ids, scores), len(queries) / taken


def threads() -> int:
    """Threads a search may use: OMP_NUM_THREADS where it is set (faiss and BLAS heed it), else the usable cores."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) > 0 else len(os.sched_getaffinity(0))
