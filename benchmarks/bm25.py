"""BM25 built and searched by Labrador and by bm25s' own numba backend, on the same texts with the same terms.

    python benchmarks/bm25.py --data ../shared/data/wiki-questions
    python benchmarks/bm25.py --generated 2000000

Every build and every search runs in a process of its own, in turn, `--rounds` times; medians. Peak memory is the
process's (VmHWM). Both search the index that Labrador built; what bm25s finds is compared with it, score by score.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from labrador.indexes.base import QueryTexts
from labrador.indexes.bm25 import K1, B, BM25Index, build_bm25
from labrador.indexes.terms import Analyzer

BATCH = 1024
SYSTEMS = ("labrador", "bm25s numba")
TERMS, LENGTH = 1_000_000, 60  # of a generated corpus: distinct terms, and mean terms of a passage
HEAD = "| | build s | peak MB | {} | peak MB | one query ms |\n|{}"


def passages(options: argparse.Namespace) -> Iterator[list[tuple[str, str]]]:
    """Batches of (title, text)."""
    batch: list[tuple[str, str]] = []
    for passage in read(options.data) if options.data else generated(options.generated):
        batch.append(passage)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def read(folder: Path) -> Iterator[tuple[str, str]]:
    """The passages of a folder in BEIR's layout."""
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            found = json.loads(line)
            yield found.get("title", ""), found["text"]


def generated(count: int) -> Iterator[tuple[str, str]]:
    """Passages of terms whose frequencies fall as in texts."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        terms = (TERMS ** rng.random(int(rng.poisson(LENGTH)) + 1)).astype(np.int64)
        yield "", " ".join(map(str, terms.tolist()))


def queries(options: argparse.Namespace) -> list[str]:
    """The questions, or terms drawn as the passages' are."""
    if options.data:
        with (options.data / "queries.jsonl").open(encoding="utf-8") as file:
            return [json.loads(line)["text"] for line in file][: options.queries]
    rng = np.random.default_rng(1)
    return [" ".join(map(str, (TERMS ** rng.random(7)).astype(np.int64))) for _ in range(options.queries)]


def analyzer(options: argparse.Namespace) -> Analyzer:
    """English, or terms as they stand in the generated texts."""
    return Analyzer() if options.data else Analyzer("none", "whitespace")


def build(system: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Index the passages and write the files."""
    start = time.perf_counter()
    if system == "labrador":
        build_bm25(passages(options), folder / "labrador", analyzer=analyzer(options))
    else:
        import bm25s

        tokenizer = analyzer(options).tokenizer_of_bm25s()
        texts = (f"{title} {text}" for batch in passages(options) for title, text in batch)
        ids = list(tokenizer.streaming_tokenize(texts, update_vocab=True, allow_empty=False))
        index = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numba")
        index.index((ids, tokenizer.get_vocab_dict()), show_progress=False)
        index.save(folder / "bm25s", show_progress=False)
    return {"build": time.perf_counter() - start, "build peak": peak()}


def search(system: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Queries per second in one batch, milliseconds of a single query; saves what was found."""
    texts = queries(options)
    if system == "labrador":
        ours = BM25Index(folder / "labrador", options.threads)

        def find(some: list[str]) -> tuple[Any, Any]:
            hits = ours.search(QueryTexts(some), options.k)
            return hits.ids, hits.scores
    else:
        import bm25s

        theirs = bm25s.BM25.load(folder / "labrador", mmap=True, show_progress=False)
        theirs.backend = "numba"
        tokenizer = Analyzer.load(folder / "labrador").tokenizer_of_bm25s(theirs.vocab_dict)

        def find(some: list[str]) -> tuple[Any, Any]:
            ids = list(tokenizer.streaming_tokenize(some, update_vocab=False, allow_empty=False))
            return tuple(theirs.retrieve(ids, k=options.k, n_threads=options.threads, show_progress=False))

    find(texts[:1])  # compiles
    find(texts[:100])
    start = time.perf_counter()
    found = find(texts)
    batch = time.perf_counter() - start
    alone = []
    for text in texts[:100]:
        start = time.perf_counter()
        find([text])
        alone.append(1000 * (time.perf_counter() - start))
    np.save(folder / f"{system} scores.npy", found[1])
    return {"qps": len(texts) / batch, "one": float(np.median(alone)), "search peak": peak()}


def peak() -> float:
    """Most megabytes that were resident in this process."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Run every stage in a process, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder in BEIR's layout")
    parser.add_argument("--generated", type=int, default=1_000_000, help="passages to generate instead")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stage", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage, system, folder = options.stage
        print(json.dumps({"build": build, "search": search}[stage](system, Path(folder), options)))
        return
    measured: dict[str, dict[str, list[float]]] = {system: {} for system in SYSTEMS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for stage in ("build", "search"):
                for system in SYSTEMS:
                    command = [sys.executable, __file__, *sys.argv[1:], "--stage", stage, system, folder]
                    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
                    for name, value in json.loads(printed.splitlines()[-1]).items():
                        measured[system].setdefault(name, []).append(value)
        ours, theirs = (np.load(Path(folder) / f"{system} scores.npy") for system in SYSTEMS)
    print(HEAD.format(f"queries/s, k = {options.k}", "---|" * 6))
    for system, figures in measured.items():
        cells = {name: float(np.median(values)) for name, values in figures.items()}
        print(
            f"| {system} | {cells['build']:.1f} | {cells['build peak']:,.0f} | {cells['qps']:,.0f} "
            f"| {cells['search peak']:,.0f} | {cells['one']:.2f} |"
        )
    ours = np.where(np.isneginf(ours), 0, ours)
    print(f"\nScores that are equal to the last bit: {(ours == theirs).mean():.4%}")


if __name__ == "__main__":
    main()
