"""Time, memory and locality of locality-centric sampling: the proximity graph and an epoch of walks over it.

    python benchmarks/graph.py                        # 500,000 queries x 200 candidates of 8,800,000 passages

Generated candidates, memory-mapped from a temporary folder of the current directory (1.6 GB). A query has a positive
anywhere in the corpus; seven tenths of its candidates are the positive's neighbours (normal, 500 rows), three tenths
are popular: popularity is Zipf's with exponent 1/2, and the most popular passage is a candidate of 2 % of all queries.
`hubs`: ten more passages, each a candidate of a random tenth of all queries.

Every stage runs in its own process on one thread, with the file in the page cache and numba's loops compiled.
Peak: VmHWM at the end less VmRSS before the candidates are opened, so touched pages of the mapped file count.
`graph` is ProximityGraph.of alone; an epoch is list(sampler.batches(pool, 0)), including the graph that it builds.
The peer, at a tenth of the size: a dict of sets of queries for every passage, and a frontier of queries. Last:
`locality`, at a tenth of the size.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from locality import locality

from labrador.arrays.ragged import Ragged
from labrador.samplers.ann import ANNHard
from labrador.samplers.base import Example, Pool, Sampler
from labrador.samplers.random import Random
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.snowball import Snowball

DEPTH, BATCH = 200, 1024
NEAR, DRAWN_NEAR, DRAWN_POPULAR = 500, 170, 70  # more are drawn than are kept: some are drawn twice
HUBS, SHARE = 10, 0.1  # the first passages are kept for the hubs; the share of all queries that each gets
SPREAD = 2_147_483_647  # a prime: popular passages are anywhere in the corpus
BLOCK = 5000  # queries generated at once
WALKS: dict[str, Sampler] = {"random_walk": RandomWalk(), "snowball": Snowball()}
SAMPLERS = {"random": Random(), "ann": ANNHard(depth=DEPTH), **WALKS}
STAGES = ("graph", *WALKS, "peer graph", *(f"peer {name}" for name in WALKS), "locality")


def generate(queries: int, passages: int, folder: Path) -> None:
    """Write candidates [queries * DEPTH] and positives [queries]."""
    generator = np.random.default_rng(0)
    shape = (queries, DEPTH)
    candidates = np.lib.format.open_memmap(folder / "candidates.npy", mode="w+", dtype=np.int64, shape=shape)
    positives = generator.integers(HUBS, passages, queries)
    np.save(folder / "positives.npy", positives)
    for start in range(0, queries, BLOCK):
        own = positives[start : start + BLOCK, None]
        near = own + np.rint(NEAR * generator.standard_normal((len(own), DRAWN_NEAR))).astype(np.int64)
        ranks = ((passages - HUBS) * generator.random((len(own), DRAWN_POPULAR)) ** 2).astype(np.int64)
        rows = HUBS + np.concatenate([near - HUBS, ranks * SPREAD], axis=1) % (passages - HUBS)
        rows.sort(axis=1)
        keys = generator.random(rows.shape)
        keys[:, 1:][rows[:, 1:] == rows[:, :-1]] = np.inf
        keys[rows == own] = np.inf
        kept = np.argpartition(keys, DEPTH, axis=1)[:, :DEPTH]
        candidates[start : start + BLOCK] = np.take_along_axis(rows, kept, axis=1)


def add_hubs(folder: Path) -> None:
    """Make each of the first passages a candidate of a random tenth of the queries, in place of another."""
    candidates = np.load(folder / "candidates.npy", mmap_mode="r+")
    generator = np.random.default_rng(1)
    for hub in range(HUBS):
        candidates[generator.random(len(candidates)) < SHARE, hub] = hub


def opened(folder: Path, passages: int) -> tuple[Pool, Ragged]:
    """The pool of the generated files, and its candidates, memory-mapped."""
    positives = np.load(folder / "positives.npy")
    values = np.load(folder / "candidates.npy", mmap_mode="r").reshape(-1)
    candidates = Ragged(values, np.arange(len(positives) + 1) * DEPTH)
    return Pool(Ragged(positives, np.arange(len(positives) + 1)), candidates, passages, BATCH, 0), candidates


def dict_of_sets(candidates: Ragged) -> dict[int, set[int]]:
    """The queries of each passage, the plain way."""
    graph: dict[int, set[int]] = defaultdict(set)
    for query, passages in enumerate(candidates):
        for passage in passages.tolist():
            graph[passage].add(query)
    return graph


def plain_walk(pool: Pool, candidates: Ragged, newest_first: bool) -> list[list[Example]]:
    """An epoch with one negative a query by a frontier of queries, the plain way."""
    graph, draw = dict_of_sets(candidates), random.Random(0)
    waiting = list(range(len(candidates)))
    draw.shuffle(waiting)
    unvisited, frontier = set(waiting), deque[int]()
    batches: list[list[Example]] = [[]]
    while unvisited:
        if len(batches[-1]) == pool.batch_size:  # every batch is a walk of its own
            batches.append([])
            frontier.clear()
        query = (frontier.pop() if newest_first else frontier.popleft()) if frontier else waiting.pop()
        if query not in unvisited:
            continue
        unvisited.remove(query)
        negative = int(draw.choice(candidates[query]))
        frontier.extend(graph[negative] & unvisited)
        batches[-1].append(Example(query, int(draw.choice(pool.positives[query])), (negative,)))
    return batches


def megabytes(field: str) -> float:
    """A field of this process's memory: VmRSS now, VmHWM at its peak."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024


def child(stage: str, folder: Path, passages: int) -> dict[str, Any]:
    """One stage: seconds, processor seconds and peak megabytes, or for `locality` the figure of each sampler."""
    from labrador.samplers.graph import ProximityGraph

    tiny = Pool(Ragged.from_lists([[0]]), Ragged.from_lists([[1]]), 2, 1, 0)
    assert [list(sampler.batches(tiny, 0)) for sampler in WALKS.values()]  # compiles
    if stage == "locality":
        pool, candidates = opened(folder, passages)
        return {name: locality(sampler.batches(pool, 0), candidates) for name, sampler in SAMPLERS.items()}
    before = megabytes("VmRSS")
    pool, candidates = opened(folder, passages)
    start, processor = time.perf_counter(), time.process_time()
    peer, name = stage.startswith("peer"), stage.split()[-1]
    made: Any
    if name == "graph":
        order = np.random.default_rng(0).permutation(len(candidates))
        made = dict_of_sets(candidates) if peer else ProximityGraph.of(candidates, order, DEPTH, passages)
    elif peer:
        made = plain_walk(pool, candidates, name == "random_walk")
    else:
        made = list(WALKS[name].batches(pool, 0))
    figures = {"s": time.perf_counter() - start, "processor": time.process_time() - processor}
    if name != "graph":
        visited = sorted(example.query for example in chain(*made))
        assert visited == list(range(len(candidates)))
        assert all(len(batch) == BATCH for batch in made[:-1])
    return figures | {"peak": megabytes("VmHWM") - before}


def measured(stage: str, folder: Path, passages: int) -> dict[str, Any]:
    """The figures of `child` for a stage, in a fresh process."""
    command = [sys.executable, __file__, "--child", stage, "--folder", str(folder), "--passages", str(passages)]
    figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return figures


def whole(queries: int, passages: int, folder: Path) -> None:
    """Print the table of the whole size."""
    generate(queries, passages, folder)
    size = (folder / "candidates.npy").stat().st_size / 2**20
    print(f"| {queries:,} queries, {passages:,} passages (candidates: {size:,.0f} MB) | s | processor s ", end="")
    print("| queries/s | queries/processor s | peak, MB |\n" + 6 * "|---" + "|")
    for kind in ("skewed", "hubs"):
        if kind == "hubs":
            add_hubs(folder)
        for stage in ("graph", *WALKS):
            found = measured(stage, folder, passages)
            speeds = [f"{queries / found[key]:,.0f}" if stage in WALKS else "" for key in ("s", "processor")]
            figures = [f"{found['s']:.1f}", f"{found['processor']:.1f}", *speeds, f"{found['peak']:,.0f}"]
            print(f"| {kind}, {stage} | {' | '.join(figures)} |", flush=True)


def compared(queries: int, passages: int, folder: Path) -> None:
    """Print the comparison with the peer, and the localities."""
    generate(queries, passages, folder)
    found = {}
    print(f"\n| {queries:,} queries, {passages:,} passages | processor s, dict of sets | labrador | ratio ", end="")
    print("| peak MB, dict of sets | labrador | ratio |\n" + 7 * "|---" + "|")
    for kind in ("skewed", "hubs"):
        if kind == "hubs":
            add_hubs(folder)
        for stage in ("graph", *WALKS):
            ours, peer = (measured(name, folder, passages) for name in (stage, f"peer {stage}"))
            times = f"{peer['processor']:.1f} | {ours['processor']:.2f} | {peer['processor'] / ours['processor']:.0f}"
            peaks = f"{peer['peak']:,.0f} | {ours['peak']:,.0f} | {peer['peak'] / ours['peak']:.1f}"
            print(f"| {kind}, {stage} | {times} | {peaks} |", flush=True)
        found[kind] = measured("locality", folder, passages)
    print(f"\n| locality, batches of {BATCH} | {' | '.join(SAMPLERS)} |\n|---{len(SAMPLERS) * '|---'}|")
    for kind, shares in found.items():
        print(f"| {kind} | {' | '.join(f'{shares[name]:.4f}' for name in SAMPLERS)} |")


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=500_000)
    parser.add_argument("--passages", type=int, default=8_800_000)
    parser.add_argument("--child", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, options.folder, options.passages)))
        return
    for step, parts in ((whole, 1), (compared, 10)):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            step(options.queries // parts, options.passages // parts, Path(folder))


if __name__ == "__main__":
    main()
