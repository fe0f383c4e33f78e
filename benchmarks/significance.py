"""How long the statistics of a comparison take: every system against a baseline in every metric, and every pair.

    OMP_NUM_THREADS=1 python benchmarks/significance.py     # 40 systems, 7,000 queries, 8 metrics

Scores are made up (reciprocals of random ranks, two seeds a system, a checkpoint for every two systems) and written
as runs write them, so that reading them counts. Compared with scipy's permutation test and bootstrap of one difference,
times their number. Prints a Markdown table of seconds; processor seconds depend less on what else runs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import scipy.stats

from labrador.report.significance.differences import against, matrix
from labrador.report.significance.paired import DRAWS
from labrador.report.systems import systems
from labrador.results import ResultRow, find

METRICS = ("MRR@10", "R@1", "R@5", "R@20", "R@50", "R@100", "R@1000", "nDCG@10")
SEEDS = 2


def write_runs(folder: Path, number: int, queries: int) -> None:
    """Result rows and per-query scores of `number` systems over SEEDS seeds."""
    rng = np.random.default_rng(0)
    hard = rng.exponential(size=queries)
    for system in range(number):
        for seed in range(SEEDS):
            ranks = 1 + np.floor(rng.exponential(hard[None] * (1 + system / 20), size=(len(METRICS), queries)))
            figures = dict(zip(METRICS, 1 / ranks, strict=True))
            means = {name: float(values.mean()) for name, values in figures.items()}
            place = folder / f"{system}-{seed}"
            place.mkdir()
            columns = {"qid": [f"q{query}" for query in range(queries)]} | figures
            parquet.write_table(pa.table(columns), place / "per_query.parquet")
            fits = {"fit": f"{system // 2}-{seed}"}  # every second system shares the checkpoint of the one before
            row(f"s{system}", seed, means, queries, fits).write(place / "result.json")


def row(retriever: str, seed: int, metrics: dict[str, float | None], queries: int, keys: dict[str, str]) -> ResultRow:
    """A result row with its required fields."""
    unknown: dict[str, Any] = dict.fromkeys(("quantizer", "sampler", "search", "encoder", "qps", "threads", "commit"))
    unknown |= dict.fromkeys(("bytes_per_passage", "index_bytes", "disk_bytes"))
    unknown |= {"latency_ms": {}, "seconds": {}, "keys": keys, "data": "made-up", "device": "cpu"}
    return ResultRow(retriever=retriever, seed=seed, metrics=metrics, queries=queries, passages=1, **unknown)


def timed(what: str, work: Callable[[], Any], times: int = 1) -> Any:
    """Do some work, print how long it took times `times`, return its result."""
    start, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds, used = time.perf_counter() - start, time.process_time() - processor
    print(f"| {what} | {seconds * times:,.1f} | {used * times:,.1f} |", flush=True)
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=40)
    parser.add_argument("--queries", type=int, default=7000)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), settings.systems, settings.queries)
        shape = f"{settings.systems} systems x {SEEDS} seeds, {settings.queries:,} queries"
        print(f"| {shape} | seconds | processor seconds |")
        print("|---|---|---|")
        found = timed("read the rows", lambda: systems(find([Path(folder)])))
        apart = timed(f"against a baseline, {len(METRICS)} metrics", lambda: against(found, found[:1], METRICS))
        timed("all pairs, one metric", lambda: matrix(found, METRICS[0]))
        one = found[1].per_query(METRICS[0])[1] - found[0].per_query(METRICS[0])[1]
        peers = {
            f"scipy permutation_test, {DRAWS:,} draws": lambda: scipy.stats.permutation_test(
                (one,), np.mean, permutation_type="samples", n_resamples=DRAWS, vectorized=True, batch=500
            ),
            f"scipy bootstrap, {DRAWS:,} draws": lambda: scipy.stats.bootstrap(
                (one,), np.mean, method="percentile", n_resamples=DRAWS, batch=500
            ),
        }
        for what, work in peers.items():
            timed(f"{what}: one difference, times {len(apart)}", work, len(apart))


if __name__ == "__main__":
    main()
