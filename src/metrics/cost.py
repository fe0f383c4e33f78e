"""What a search costs in time, of vectors or of texts."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..machine.progress_bar import bar
from ..machine.threads import usable_threads

WARM_UP = 5  # searches before the first that counts
LIMIT = 200  # single queries that are timed, at most
SECONDS = 20.0  # after which no further search is timed: of single queries, and again of batches
BATCH = 1024  # queries searched at once where throughput is measured


class Queries(Protocol):
    """The queries of a search, vectors or texts."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, part: slice, /) -> Any:
        """Some of them."""


class Ranked(Protocol):
    """What a search returns."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Passages int64 [Q, k], best first, -1 = none."""

    @property
    def scores(self) -> NDArray[np.float32]:
        """Their scores float32 [Q, k]."""

    @property
    def stages(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the search, by name; empty where it has one stage."""


class Ranking(NamedTuple):
    """The ranked passages of all queries: ids int64 [Q, k], scores float32 [Q, k]."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]


Search = Callable[[Any, int], Ranked]  # (queries, k) -> their ranked passages


def measure(
    search: Search,
    queries: Queries,
    k: int,
    *,
    batch_size: int = BATCH,
    limit: int = LIMIT,
    warm: bool = False,
) -> dict[str, Any]:
    """What it costs to search Q >= 1 queries for their `k` best passages, search only.

    {"latency_ms": {"p50", "p99"}, "qps", "threads"}: percentiles over up to `limit` searches of one query each, and the
    rate over batches of `batch_size`. Both end early once they have taken `SECONDS`. A few searches before each do not
    count, since imports, compilation and the first reading of files are no part of a search; warm: batches have been
    searched already. Next to the percentiles stands the p50 of each stage, by name, where a search has several.
    """
    taken, stages = latencies(search, queries, k, limit=limit, seconds=SECONDS)
    p50, p99 = np.percentile(taken, [50, 99]).tolist()
    latency = {"p50": p50, "p99": p99} | {stage: float(np.median(times)) for stage, times in stages.items()}
    if not warm:  # a whole batch compiles and starts what a single query does not
        search(queries[:batch_size], k)
    qps = throughput(search, queries, k, batch_size=batch_size, seconds=SECONDS)
    return {"latency_ms": latency, "qps": qps, "threads": usable_threads()}


def latencies(
    search: Search, queries: Queries, k: int, *, limit: int, seconds: float
) -> tuple[NDArray[np.float64], dict[str, list[float]]]:
    """Milliseconds of each search of one query, [n <= limit], and of each of its stages, by name.

    The searches to warm up are not among them, and their time does not count in `seconds`.
    """
    end = perf_counter() + seconds
    for row in range(min(WARM_UP, len(queries))):
        search(queries[row : row + 1], k)
        if perf_counter() > end:
            break
    end = perf_counter() + seconds
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


def throughput(search: Search, queries: Queries, k: int, *, batch_size: int, seconds: float) -> float:
    """Queries searched per second, in batches, until these have taken `seconds`."""
    taken, count = 0.0, 0
    for row in range(0, len(queries), batch_size):
        batch = queries[row : row + batch_size]
        start = perf_counter()
        search(batch, k)
        taken += perf_counter() - start
        count += len(batch)
        if taken > seconds:
            break
    return count / taken


def search_batches(search: Search, queries: Queries, k: int, batch_size: int) -> Ranking:
    """The ranking of all queries, searched in batches."""
    parts: list[Ranked] = []
    with bar("searching", " queries", total=len(queries)) as shown:
        for row in range(0, len(queries), batch_size):
            parts.append(search(queries[row : row + batch_size], k))
            shown.update(len(queries[row : row + batch_size]))
    ids, scores = (np.concatenate(arrays) for arrays in zip(*((part.ids, part.scores) for part in parts), strict=True))
    return Ranking(ids, scores)
