"""How fast quantizers are fitted, encode and are searched, compared with faiss called directly.

    python benchmarks/quantizers.py --passages 50000 --threads 2

Prints Markdown tables. The vectors are generated: clustered, of unit length, with a falling spectrum. The search peer
is faiss.IndexFlatIP in memory; the peer of fitting opq is faiss.OPQMatrix with the default threads.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from labrador.indexes.base import Index, QueryVectors
from labrador.indexes.scan import Scan
from labrador.indexes.search import Search, Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.quantizers.base import Quantizer, TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D = 384
K = 1000


def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """`count` unit vectors of D dimensions around count / 20 centres."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((max(8, count // 20), D), dtype=np.float32)
    x = centres[generator.integers(len(centres), size=count)] + 0.7 * generator.standard_normal((count, D), np.float32)
    x *= np.arange(1, D + 1, dtype=np.float32) ** -0.35
    x = x @ np.linalg.qr(generator.standard_normal((D, D)))[0].astype(np.float32)
    return np.ascontiguousarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def seconds(call: Callable[[], object], times: int) -> float:
    """The median of `times` calls after one that warms up."""
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds and processor seconds of one call, and its result."""
    start, worked = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - start, time.process_time() - worked, result


def search_times(index: Index, queries: NDArray[np.float32]) -> tuple[float, float]:
    """Milliseconds per query in one batch, and for a single query."""
    batch = seconds(lambda: index.search(QueryVectors(queries), K), 3) / len(queries)
    return 1e3 * batch, 1e3 * seconds(lambda: index.search(QueryVectors(queries[:1]), K), 30)


def faiss_times(peer: Any, queries: NDArray[np.float32]) -> tuple[float, float]:
    """What `search_times` gives, of a faiss index."""
    batch = seconds(lambda: peer.search(queries, K), 3) / len(queries)
    return 1e3 * batch, 1e3 * seconds(lambda: peer.search(queries[:1], K), 30)


def fitting(x: NDArray[np.float32], rounds: int) -> None:
    """pq and opq on 20,000 vectors, in turn with faiss's own training; medians."""
    x = x[:20_000]

    def error(index: faiss.Index) -> float:
        return float(((index.sa_decode(index.sa_encode(x)) - x) ** 2).sum(axis=1).mean())

    print(f"\n| fitted on {len(x):,} x {D}, 48 codebooks | s | / peer | processor s | / peer | squared error |")
    print("|---|---|---|---|---|---|")
    for name, quantizer in (("pq", PQ()), ("opq", OPQ())):
        peer = faiss.IndexPQ(D, 48, 8, faiss.METRIC_INNER_PRODUCT)
        if name == "opq":
            peer = faiss.IndexPreTransform(faiss.OPQMatrix(D, 48), peer)
        times = []
        for _ in range(rounds if name == "pq" else 1):  # faiss's opq takes minutes
            *theirs, _ = timed(lambda peer=peer: peer.train(x))
            *ours, codec = timed(lambda quantizer=quantizer: quantizer.fit(TrainingVectors(x), 0))
            times.append((theirs, ours))
        theirs, ours = np.median(times, axis=0)
        print(f"| faiss {name}, default threads | {theirs[0]:.1f} | 1 | {theirs[1]:.1f} | 1 | {error(peer):.4f} |")
        ratios = [f"{taken:.1f} | {taken / peers:.2f}" for taken, peers in zip(ours, theirs, strict=True)]
        print(f"| {name} | {' | '.join(ratios)} | {error(codec.faiss_index):.4f} |", flush=True)


def searching(x: NDArray[np.float32], queries: NDArray[np.float32], folder: Path) -> None:
    """Every quantizer fitted, encoded and searched, compared with faiss.IndexFlatIP."""
    peer = faiss.IndexFlatIP(D)
    peer.add(x)
    batch_peer, single_peer = faiss_times(peer, queries)
    columns = ["bytes per passage", "fit s", "encode passages/s", f"ms per query in a batch of {len(queries)}"]
    columns += ["/ IndexFlatIP", "ms for one query", "/ IndexFlatIP"]
    print(f"\n| {len(x):,} passages, k = {K} | {' | '.join(columns)} |\n|{'---|' * 8}")
    print(f"| faiss.IndexFlatIP in memory | {4 * D} | | | {batch_peer:.2f} | 1 | {single_peer:.2f} | 1 |", flush=True)
    searches: list[tuple[str, Quantizer, Search, str]] = [
        ("flat, streamed float32", Flat(), Scan(), "float32"),
        ("flat, streamed float16", Flat(), Scan(), "float16"),
        ("sq8", SQ8(), Scan(), "float32"),
        ("lsh", LSH(), Scan(), "float32"),
        ("lsh, two_stage codes", LSH(), TwoStage(), "float32"),
        ("lsh, two_stage dense", LSH(), TwoStage(rerank="dense"), "float32"),
        ("pq", PQ(), Scan(), "float32"),
        ("opq", OPQ(iterations=10), Scan(), "float32"),
        ("rabitq", RaBitQ(), Scan(), "float32"),
    ]
    for name, quantizer, search, dtype in searches:
        np.save(folder / f"{dtype}.npy", x.astype(dtype))
        stored = np.load(folder / f"{dtype}.npy", mmap_mode="r")
        sample = TrainingVectors(stored[:20_000])
        fit, _, codec = timed(lambda quantizer=quantizer, sample=sample: quantizer.fit(sample, 0))
        codes = codec.codes_in_place(stored)
        rate = ""
        if codes is None:
            rate = f"{len(x) / seconds(lambda codec=codec, stored=stored: codec.encode(stored), 1):,.0f}"
            codes = codec.encode(stored)
        batch, single = search_times(search.build(Searchable(codec, codes, vectors=stored)), queries)
        print(
            f"| {name} | {codec.bytes_per_passage:.0f} | {fit:.1f} | {rate} | {batch:.2f} | {batch / batch_peer:.2f} "
            f"| {single:.2f} | {single / single_peer:.2f} |",
            flush=True,
        )
        if name in ("pq", "sq8"):  # the same codes without the rule for equal scores
            bare = faiss.clone_index(codec.faiss_index)
            bare.add_sa_codes(codes)
            batch, single = faiss_times(bare, queries)
            print(
                f"| faiss's own scan of the same codes | {codec.bytes_per_passage:.0f} | | | {batch:.2f} "
                f"| {batch / batch_peer:.2f} | {single:.2f} | {single / single_peer:.2f} |",
                flush=True,
            )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=50_000, help="vectors to search")
    parser.add_argument("--queries", type=int, default=200, help="queries of the batch")
    parser.add_argument("--threads", type=int, default=faiss.omp_get_max_threads(), help="threads of faiss and torch")
    parser.add_argument("--rounds", type=int, default=3, help="how often pq is fitted")
    parser.add_argument("--skip-fitting", action="store_true", help="leave out the minutes of faiss's own opq")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    faiss.omp_set_num_threads(arguments.threads)
    x, queries = clustered(arguments.passages, 0), clustered(arguments.queries, 1)
    if not arguments.skip_fitting:
        fitting(x, arguments.rounds)
    with tempfile.TemporaryDirectory() as folder:
        searching(x, queries, Path(folder))


if __name__ == "__main__":
    main()
