"""Memory and time of searching binary codes: by a scan and through hash tables.

    python benchmarks/codes.py --passages 21000000 --bits 768

Codes are generated in blocks into a file in a temporary folder of the current directory, which needs space for 1.3
times the codes. Every stage runs in a separate process; its peak resident memory (VmHWM) is given as a ratio to the
bytes of the codes, pages of the mapped file included. `idle` is a process that has loaded the libraries, `save` holds
the tables that it has just built, `search` loads, searches and reranks.

random: bits and queries are fair coins, the worst case. clustered: 20,000 passages around each of N / 20,000 random
centres, each with its own share of flipped bits, 0.33 + 0.06 log10(u) with u uniform in (0, 1); a query is a centre's
signs with normal noise, which flips a tenth of them. So its passages at ranks 1, 10, 100 and 1,000 differ from it in
0.15, 0.20, 0.25 and 0.30 of the bits. Under lsh with 768 bits and all-MiniLM-L6-v2, a question of wiki-questions is
0.26, 0.31 and 0.35 from ranks 1, 3 and 10 of 30,000 passages: rank 1,000 of 21 million is the quantile of rank 1.4.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labrador.indexes.base import QueryVectors
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.quantizers.hash import HashCodec

CLUSTER = 20_000  # passages
FARTHEST, PER_DECADE = 0.33, 0.06  # shares of the bits that passages differ from their centre in
NOISE = 0.78  # of a query's numbers around its centre's signs: flips a tenth of them
BLOCK = 4096  # codes generated at once
CANDIDATES, K = 1000, 100
CODES, QUERIES, FOUND, RANKED = "codes.npy", "queries.npy", "found-{}.npy", "ranked-{}.npy"


def generate(kind: str, count: int, bits: int, queries: int, folder: Path) -> None:
    """Write `count` codes [N, bits / 8] and the `queries`, float32 [Q, bits]."""
    generator = np.random.default_rng(0)
    centres = generator.integers(0, 256, (max(1, count // CLUSTER), bits // 8), dtype=np.uint8)
    codes = np.lib.format.open_memmap(folder / CODES, mode="w+", dtype=np.uint8, shape=(count, bits // 8))
    for start in range(0, count, BLOCK):
        rows = min(BLOCK, count - start)
        if kind == "random":
            codes[start : start + rows] = generator.integers(0, 256, (rows, bits // 8), dtype=np.uint8)
            continue
        share = np.clip(FARTHEST + PER_DECADE * np.log10(1 - generator.random(rows)), 0, 1).astype(np.float32)
        flipped = np.packbits(generator.random((rows, bits), np.float32) < share[:, None], axis=1)
        codes[start : start + rows] = centres[generator.integers(len(centres), size=rows)] ^ flipped
    codes.flush()
    asked: NDArray[np.float32] = generator.standard_normal((queries, bits), dtype=np.float32)
    if kind == "clustered":
        near = centres[generator.integers(len(centres), size=queries)]
        asked = HashCodec(None, bits).unpack(near) + np.float32(NOISE) * asked
    np.save(folder / QUERIES, asked)


def peak() -> int:
    """The most bytes that were resident in this process (ru_maxrss would count those of the process it came from)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def build(search: HashLookup, codec: HashCodec, folder: Path) -> dict[str, Any]:
    """Fill the tables, then save them; what `HashLookup.prepare` does, with the peaks in between."""
    from labrador.indexes.hash_lookup import FILE, LookupIndex, bits_of_keys

    codes = np.load(folder / CODES, mmap_mode="r")
    start = time.perf_counter()
    key_bits = search.key_bits or bits_of_keys(len(codes), search.tables, codec.bits)
    index = LookupIndex.empty(codec, search.tables, key_bits)
    index.add(codes)
    built, built_in = peak(), time.perf_counter() - start
    index.save(folder)
    figures = {"key_bits": key_bits, "build": built, "build_s": built_in, "save": peak()}
    return figures | {"save_s": time.perf_counter() - start - built_in, "file": (folder / FILE).stat().st_size}


def run(search: TwoStage, codec: HashCodec, folder: Path, name: str) -> dict[str, Any]:
    """Load the index and search: all queries at once, then one at a time. Saves candidates and rankings."""
    import faiss

    codes, queries = np.load(folder / CODES, mmap_mode="r"), QueryVectors(np.load(folder / QUERIES))
    start = time.perf_counter()
    index = search.build(Searchable(codec, codes, prepared=folder))
    loaded = time.perf_counter() - start
    index.search(queries[:2], K)  # compiles
    index.search(queries, K)  # reads the file
    start = time.perf_counter()
    ranked = index.search(queries, K)
    batch = (time.perf_counter() - start) / len(queries)
    statistics, alone = faiss.cvar.indexBinaryHash_stats, []
    statistics.reset()
    for row in range(len(queries)):
        start = time.perf_counter()
        index.search(queries[row : row + 1], K)
        alone.append(time.perf_counter() - start)
    figures = {
        "rounds": statistics.nq / len(queries),
        "keys": (statistics.nlist + statistics.n0) / len(queries),
        "compared": statistics.ndis / len(queries) / len(codes),
    }
    found = index.first.search(queries, min(CANDIDATES, len(codes)))
    np.save(folder / FOUND.format(name), found.ids)
    np.save(folder / RANKED.format(name), ranked.ids)
    distances = [float(np.median(-found.scores[:, rank - 1])) / codec.bits for rank in (1, 10, 100, 1000)]
    times = {"load_s": loaded, "batch_ms": 1000 * batch, "single_ms": 1000 * float(np.median(alone))}
    return figures | times | {"search": peak(), "distances": distances, "threads": faiss.omp_get_max_threads()}


def child(stage: str, options: argparse.Namespace) -> dict[str, Any]:
    """One stage, in a process of its own."""
    codec, (flips, *_) = HashCodec(None, options.bits), options.flips
    lookup = HashLookup(candidates=CANDIDATES, tables=options.tables, key_bits=options.key_bits, flips=flips)
    if stage == "build":
        return build(lookup, codec, options.folder)
    if stage == "scan":
        return run(TwoStage(candidates=CANDIDATES), codec, options.folder, stage)
    if stage == "lookup":
        return run(lookup, codec, options.folder, f"lookup-{flips}")
    import faiss  # noqa: F401 - idle: what every stage loads

    return {"idle": peak()}


def measured(stage: str, options: argparse.Namespace, folder: Path, flips: int = 0) -> dict[str, Any]:
    """What `child` reports of a stage in a fresh process, whose progress and errors are shown."""
    settings = {"bits": options.bits, "tables": options.tables, "key-bits": options.key_bits, "flips": flips}
    options_given = [f"--{key}={value}" for key, value in settings.items() if value is not None]
    command = [sys.executable, __file__, "--child", stage, "--folder", str(folder), *options_given]
    figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return figures


def recall(wanted: NDArray[np.int64], found: NDArray[np.int64]) -> str:
    """The share of `wanted` [Q, n] that is in `found` [Q, m], over all queries."""
    return f"{np.mean([np.isin(a, b).mean() for a, b in zip(wanted, found, strict=True)]):.3f}"


def report(kind: str, options: argparse.Namespace, folder: Path) -> None:
    """Measure one kind of codes and print two tables."""
    start = time.perf_counter()
    generate(kind, options.passages, options.bits, options.queries, folder)
    size = (folder / CODES).stat().st_size
    idle, built, scan = (measured(stage, options, folder) for stage in ("idle", "build", "scan"))
    looked = {flips: measured("lookup", options, folder, flips) for flips in options.flips}
    ranks = ", ".join(f"{share:.3f}" for share in scan["distances"])
    print(f"\n{kind}: {options.passages:,} passages, {options.bits} bits, {size / 1e6:,.0f} MB of codes; ", end="")
    print(f"{options.tables} tables, {built['key_bits']} bits a key, {built['file'] / size:.2f} x the codes on disk; ")
    print(f"idle {idle['idle'] / 1e6:.0f} MB; {scan['threads']} threads; {time.perf_counter() - start:.0f} s in all.")
    print(f"Median distance at ranks 1, 10, 100, 1,000, in parts of the bits: {ranks}.\n")
    print("| peak memory / codes | build | save | load and search | build s | save s | load s |")
    print("|---|---|---|---|---|---|---|")
    print(f"| two_stage | - | - | {scan['search'] / size:.2f} | - | - | {scan['load_s']:.1f} |")
    for flips, figures in looked.items():
        peaks = " | ".join(f"{value / size:.2f}" for value in (built["build"], built["save"], figures["search"]))
        seconds = f"{built['build_s']:.0f} | {built['save_s']:.0f} | {figures['load_s']:.0f}"
        print(f"| hash_lookup, flips {flips} | {peaks} | {seconds} |")
    print("\n| search | ms per query, together | p50 ms, alone | of the scan's 10 | 100 | 1,000 candidates |", end="")
    print(" of its top 20 reranked | rounds | keys | codes compared |\n|" + 10 * "---|")
    print(f"| two_stage | {scan['batch_ms']:.2f} | {scan['single_ms']:.2f} | 1 | 1 | 1 | 1 | - | - | 1 |")
    all_found, all_ranked = (np.load(folder / name.format("scan")) for name in (FOUND, RANKED))
    for flips, figures in looked.items():
        found, ranked = (np.load(folder / name.format(f"lookup-{flips}")) for name in (FOUND, RANKED))
        recalls = [recall(all_found[:, :depth], found) for depth in (10, 100, 1000)]
        recalls.append(recall(all_ranked[:, :20], ranked[:, :20]))
        effort = f"{figures['rounds']:.2f} | {figures['keys']:,.0f} | {figures['compared']:.4f}"
        times = f"{figures['batch_ms']:.2f} | {figures['single_ms']:.2f}"
        print(f"| hash_lookup, flips {flips} | {times} | {' | '.join(recalls)} | {effort} |", flush=True)


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--bits", type=int, default=768)
    parser.add_argument("--queries", type=int, default=64)
    parser.add_argument("--kind", nargs="+", choices=("random", "clustered"), default=["random", "clustered"])
    parser.add_argument("--tables", type=int, default=HashLookup.tables)
    parser.add_argument("--key-bits", type=int, default=HashLookup.key_bits, help="default: by the number of passages")
    parser.add_argument("--flips", type=int, nargs="+", default=[2, 3], help="each is searched with")
    parser.add_argument("--child", choices=("idle", "build", "scan", "lookup"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, options)))
        return
    for kind in options.kind:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            report(kind, options, Path(folder))


if __name__ == "__main__":
    main()
