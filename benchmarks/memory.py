"""Peak memory of encoding and of flat search as the corpus grows.

    python benchmarks/memory.py

Each figure is the peak resident memory (ru_maxrss) of a separate process; idle is one that has loaded the libraries and
the model. Encoding uses encoder=tiny to take minutes instead of hours: texts are generated, tokenized to disk and
encoded to disk in shards of 50,000. Flat search streams a memory map of random vectors of 384 dimensions for the top
100 of 64 queries; the map's pages count as resident until the kernel needs the memory, so the ratio of the process's
own memory (RssAnon at the end) is given next to it.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DIMENSION = 384
BATCH = 4096


def passages(count: int) -> Iterator[list[tuple[str, str]]]:
    """Generated passages of 5 to 40 words, in batches."""
    generator = random.Random(0)
    words = ["snow", "sled", "dog", "northern", "sea", "harness", "trail", "of", "the", "and"]
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        yield [("a title", " ".join(generator.choices(words, k=generator.randint(5, 40)))) for _ in range(size)]


def encode_corpus(count: int, folder: Path) -> None:
    """Tokenize and encode `count` passages; 0: only load what it takes."""
    from labrador.encoders.tiny import Tiny
    from labrador.encoders.tokens import write_tokens
    from labrador.encoders.towers import load_towers
    from labrador.encoding import EncodeSettings, encode

    encoder = Tiny(pooling="mean", normalize=True, shared=True)
    towers, tokenizer = load_towers(encoder), encoder.tokenizer()
    if count:
        tokens = write_tokens(passages(count), count, tokenizer, 128, folder / "tokens")
        encode(towers, "passage", tokens, folder / "vectors.npy", EncodeSettings(device="cpu"))


def search_flat(count: int, folder: Path) -> None:
    """Search `count` stored vectors; 0: only load what it takes."""
    from labrador import indexes
    from labrador.indexes.base import QueryVectors
    from labrador.quantizers.base import TrainingVectors
    from labrador.quantizers.flat import Flat

    rows = np.load(folder / "vectors.npy", mmap_mode="r")[: count or 128]
    fitted = Flat().fit(TrainingVectors(rows[:128]), 0)
    index = indexes.of(fitted)
    codes = fitted.codes_in_place(rows)
    assert codes is not None
    index.add(codes)
    if count:
        index.search(QueryVectors(rows[:64]), 100)


def write_vectors(count: int, folder: Path) -> None:
    """Random unit vectors, written in pieces."""
    from labrador.arrays import npy

    npy.create(folder / "vectors.npy", (count, DIMENSION), np.float32)
    generator = np.random.default_rng(0)
    for start in range(0, count, 10_000):
        x = generator.standard_normal((min(10_000, count - start), DIMENSION), dtype=np.float32)
        npy.write_rows(folder / "vectors.npy", start, x / np.linalg.norm(x, axis=1, keepdims=True))


def own_megabytes() -> float:
    """The private memory of this process, which no file backs."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) / 1024


def measured(step: str, count: int, folder: Path) -> tuple[float, float]:
    """Peak resident and final private megabytes of a step in a new process."""
    command = [sys.executable, __file__, "--child", step, "--count", str(count), "--folder", str(folder)]
    peak, own = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(peak), float(own)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs=2, default=[50_000, 200_000], help="the two sizes")
    parser.add_argument("--child", choices=("encode", "search"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        {"encode": encode_corpus, "search": search_flat}[options.child](options.count, options.folder)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, own_megabytes())
        return
    small, large = options.passages
    print(f"| step | idle, MB | {small:,} passages, MB | {large:,} passages, MB | ratio | ratio of private memory |")
    print("|---|---|---|---|---|---|")
    for step in ("encode", "search"):
        peaks, own = [], []
        with tempfile.TemporaryDirectory() as folder:
            if step == "search":
                write_vectors(large, Path(folder))
            for count in (0, small, large):
                peak, rest = measured(step, count, Path(folder))
                peaks.append(peak)
                own.append(rest)
        idle, first, second = peaks
        print(f"| {step} | {idle:.0f} | {first:.0f} | {second:.0f} | {second / first:.2f} | {own[2] / own[1]:.2f} |")


if __name__ == "__main__":
    main()
