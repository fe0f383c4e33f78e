"""Reranking by dense vectors on disk (BiDR's second stage): milliseconds per query, cold and warm.

    python benchmarks/rerank.py --gigabytes 6

`--gigabytes` of float32 vectors are written into a file in a temporary folder of the current directory and opened as
`search.rerank=dense` opens them. Every query has 1000 candidates drawn uniformly from the whole file, which is the
worst case: hardly two of them share a page, and no query finds the pages of an earlier one.

warm: the same candidates again, with all of their pages in memory; the fastest of several searches, since other work
interrupts some. cold: no page of the file is in memory. The file may be smaller than memory: before every cold search
it is mapped again and the kernel is asked to drop its pages (`posix_fadvise(POSIX_FADV_DONTNEED)`). So cold includes
neither the work of evicting other pages nor what a cache of part of the file would save. `MB read` is what
/proc/self/io counts for a query, which shows that it was cold.

Compared, in turns: plain, `dense[rows]` on the map; no read-ahead, the same on a map with MADV_RANDOM; labrador,
`indexes/vectors_on_disk.py`. All score and sort the candidates as two-stage search does. The disk's setting for
read-ahead, which decides what it costs, is printed.
"""

import argparse
import mmap
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from labrador.indexes.flat import FlatIndex
from labrador.indexes.rerank import Reranker, Rows, inner_product
from labrador.indexes.two_stage import TwoStageIndex
from labrador.indexes.vectors_on_disk import VectorsOnDisk
from labrador.quantizers.flat import FlatCodec

BLOCK = 65536  # vectors written at once
WARM = 40  # warm searches after each cold one; fewer, 5 at least, of a batch
K = 100


def generate(path: Path, gigabytes: float, dimension: int) -> int:
    """Write the vectors [N, dimension], one random block again and again; return N."""
    block = np.random.default_rng(0).standard_normal((BLOCK, dimension), dtype=np.float32)
    count = int(gigabytes * 1e9) // (4 * dimension)
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (count, dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, BLOCK):
            file.write(block[: count - start].data)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return count


def drop(path: Path) -> None:
    """Take the file's pages out of memory; those of a map that is still open stay."""
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def plain(path: Path) -> Rows:
    """The gather on the map."""
    vectors = np.load(path, mmap_mode="r")
    return lambda rows: vectors[rows]


def no_read_ahead(path: Path) -> Rows:
    """The gather on a map without read-ahead."""
    vectors: Any = np.load(path, mmap_mode="r")
    vectors.base.madvise(mmap.MADV_RANDOM)
    return lambda rows: vectors[rows]


def labrador(path: Path) -> Rows:
    """What two-stage search does."""
    return VectorsOnDisk(np.load(path, mmap_mode="r"))


WAYS: dict[str, Callable[[Path], Rows]] = {"plain": plain, "no read-ahead": no_read_ahead, "labrador": labrador}


def bytes_read() -> int:
    """What this process has had read from the disk."""
    (line,) = [line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("read_bytes")]
    return int(line.split()[1])


def rounds(path: Path, count: int, dimension: int, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """For each way the milliseconds per query, cold and warm, and the cold megabytes, of every round."""
    generator = np.random.default_rng(batch)
    measured: dict[str, Any] = {name: defaultdict(list) for name in WAYS}
    for _ in range(options.rounds):
        queries = generator.standard_normal((batch, dimension), dtype=np.float32)
        ids = np.stack([generator.choice(count, options.candidates, replace=False) for _ in range(batch)])
        found = []
        for name, opened in WAYS.items():
            drop(path)
            rows = opened(path)
            first = FlatIndex(FlatCodec(dimension, "float32"))  # the candidates are given
            first.add(np.load(path, mmap_mode="r").view(np.uint8))
            index = TwoStageIndex(first, Reranker(dimension, inner_product(rows)), options.candidates)
            before, times = bytes_read(), []
            for _ in range(1 + max(5, WARM // batch)):
                start = time.perf_counter()
                hits = index.rerank(queries, ids, K)
                times.append(1000 * (time.perf_counter() - start) / batch)
                if len(times) == 1:
                    measured[name]["read"].append((bytes_read() - before) / 1e6 / batch)
            measured[name]["cold"].append(times[0])
            measured[name]["warm"].append(min(times[1:]))
            found.append(hits.ids)
            del rows, index
        assert all(np.array_equal(found[0], other) for other in found)
    return measured


def report(measured: dict[str, Any], what: str) -> None:
    """One line for cold and one for warm: medians of the rounds, ours as a ratio to the plain gather."""
    for state in ("cold", "warm"):
        times = {name: float(np.median(rows[state])) for name, rows in measured.items()}
        cells = [f"{value:,.2f}" for value in times.values()] + [f"{times['labrador'] / times['plain']:.3f}"]
        read = [f"{np.median(rows['read']):,.1f}" if state == "cold" else "" for rows in measured.values()]
        print(f"| {what}, {state} | {' | '.join(cells)} | {' | '.join(read)} |", flush=True)


def read_ahead(folder: Path) -> str:
    """The kilobytes that the kernel reads at once from the disk of `folder`; "?" where it does not say."""
    device = folder.stat().st_dev
    setting = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/queue/read_ahead_kb")
    return setting.read_text().strip() if setting.exists() else "?"


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=6.0, help="of vectors on disk")
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64], help="queries searched at once")
    parser.add_argument("--rounds", type=int, default=5, help="each with other queries and candidates")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "vectors.npy"
        count = generate(path, options.gigabytes, options.dimension)
        size, threads = path.stat().st_size / 1e9, faiss.omp_get_max_threads()
        print(
            f"\n{count:,} vectors of {options.dimension} dimensions, {size:.1f} GB; {options.candidates} candidates; "
        )
        print(
            f"{threads} threads; the disk's read-ahead is {read_ahead(path)} kB; medians of {options.rounds} rounds.\n"
        )
        print(
            "| ms per query |", " | ".join(WAYS), "| labrador / plain |", " | ".join(f"{w}, MB read" for w in WAYS), "|"
        )
        print("|---" * (2 + 2 * len(WAYS)) + "|")
        for batch in options.batch:
            measured = rounds(path, count, options.dimension, batch, options)
            report(measured, "one query" if batch == 1 else f"batch of {batch}")


if __name__ == "__main__":
    main()
