"""What a search costs in time. Works with any callable: vectors for an index, texts for bm25."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Queries = NDArray[np.float32] | Sequence[str]  # float32 [Q, D], or Q texts
Search = Callable[[Any], Any]  # takes a slice of the queries, whatever it returns is dropped

WARM_UP = 5  # searches before the first that counts


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one query at a time (search only), and queries per second in batches; None without a query."""

    p50: float | None
    p99: float | None
    measured: int  # single searches that were timed
    qps: float | None
    threads: int


def measure(
    search: Search, queries: Queries, *, batch_size: int = 256, limit: int = 200, seconds: float = 20.0
) -> Cost:
    """Time `search` on single queries and on batches.

    Single: up to `limit` queries after a warm-up. Batched: one pass over the queries. Each of the two ends early, at
    a search's end, once it has taken `seconds`.
    """
    milliseconds = latencies(search, queries, limit=limit, seconds=seconds)
    p50, p99 = np.percentile(milliseconds, [50, 99]).tolist() if len(milliseconds) else (None, None)
    qps = throughput(search, queries, batch_size=batch_size, seconds=seconds)
    return Cost(p50, p99, len(milliseconds), qps, threads())


def latencies(search: Search, queries: Queries, *, limit: int, seconds: float) -> NDArray[np.float64]:
    """Milliseconds of each search of one query, [n <= limit]; the warm-up searches are not among them."""
    end = perf_counter() + seconds
    for row in range(min(WARM_UP, len(queries))):
        search(queries[row : row + 1])
        if perf_counter() > end:
            break
    taken: list[float] = []
    for row in range(min(limit, len(queries))):
        start = perf_counter()
        search(queries[row : row + 1])
        stop = perf_counter()
        taken.append((stop - start) * 1000)
        if stop > end:
            break
    return np.array(taken)


def throughput(search: Search, queries: Queries, *, batch_size: int, seconds: float) -> float | None:
    """Queries per second over batches of `batch_size`; None without a query."""
    start = stop = perf_counter()
    done = 0
    for row in range(0, len(queries), batch_size):
        batch = queries[row : row + batch_size]
        search(batch)
        done += len(batch)
        stop = perf_counter()
        if stop - start > seconds:
            break
    return done / (stop - start) if done else None


def threads() -> int:
    """Threads a search may use: OMP_NUM_THREADS where it is set (faiss and BLAS heed it), else the usable cores."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(told) if told.isdecimal() and int(told) > 0 else len(os.sched_getaffinity(0))
