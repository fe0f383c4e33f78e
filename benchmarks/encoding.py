"""Encoding speed compared with sentence-transformers' `encode`: same model, texts, device and threads.

    python benchmarks/encoding.py DIR            # a BEIR folder, here wiki-questions

MiniLM (mean pooling, normalised, 256 tokens) over passages drawn with a seed, title and text joined by a space so
that both sides read the same tokens. Labrador's figures include tokenizing, as its peer's do, and writing the file;
"tokens cached" leaves tokenizing out, as every encoding after a corpus's first does. The runs take turns and ratios are
taken within each round, so other work on the machine disturbs both sides alike; printed are medians. On a busy machine
`--threads 1 --clock cpu` counts processor time, where two threads that wait for each other would distort it.
The last column is the smallest cosine of a vector to the peer's float32 vector.
"""

import argparse
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.tokens import write_tokens
from labrador.encoders.towers import load_towers
from labrador.encoding import EncodeSettings, encode, pick_device

LENGTH = 256
PEER = "sentence-transformers"
Vectors = NDArray[np.float32]


def read_passages(folder: Path, count: int) -> list[str]:
    """`count` passages of corpus.jsonl[.gz], drawn with a seed, each "title text"."""
    plain = folder / "corpus.jsonl"
    with plain.open() if plain.is_file() else gzip.open(folder / "corpus.jsonl.gz", "rt") as file:
        lines = file.readlines()
    drawn = [json.loads(line) for line in random.Random(0).sample(lines, count)]
    return [f"{passage['title']} {passage['text']}".strip() for passage in drawn]


def contenders(texts: list[str], folder: Path, device: torch.device) -> dict[str, Callable[[], Vectors]]:
    """What is timed, by name: each encodes all texts."""
    from sentence_transformers import SentenceTransformer

    encoder = BundledMiniLM(pooling="mean", normalize=True, shared=True, max_passage_length=LENGTH)
    towers, tokenizer = load_towers(encoder).to(device), encoder.tokenizer()
    peer = SentenceTransformer(str(encoder.folder()), device=str(device))
    peer.max_seq_length = LENGTH
    batches = [texts[start : start + 1024] for start in range(0, len(texts), 1024)]
    cached = write_tokens(batches, len(texts), tokenizer, LENGTH, folder / "cached")

    def ours(precision: str, tokenized: bool) -> Vectors:
        tokens = cached if tokenized else write_tokens(batches, len(texts), tokenizer, LENGTH, folder / "tokens")
        settings = EncodeSettings(precision=precision, device=str(device))  # type: ignore[arg-type]
        encode(towers, "passage", tokens, folder / "vectors.npy", settings)
        return np.load(folder / "vectors.npy")

    return {
        PEER: lambda: peer.encode(texts, batch_size=32, show_progress_bar=False),
        "labrador, float32": lambda: ours("float32", False),
        "labrador, float32, tokens cached": lambda: ours("float32", True),
        "labrador, bfloat16 autocast": lambda: ours("bfloat16", False),
        "labrador, bfloat16 autocast, tokens cached": lambda: ours("bfloat16", True),
    }


def timed(run: Callable[[], Vectors], clock: Callable[[], float]) -> tuple[float, Vectors]:
    """Seconds of a run, and its vectors (in main memory: a GPU has finished)."""
    start = clock()
    vectors = run()
    return clock() - start, vectors


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a BEIR folder")
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    device = pick_device(options.device)
    texts = read_passages(options.folder, options.passages)
    seconds: dict[str, list[float]] = {}
    cosine: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = contenders(texts, Path(folder), device)
        for run in contenders(texts[:64], Path(folder) / "warm", device).values():
            run()
        for _ in range(options.rounds):
            for name, run in runs.items():
                took, vectors = timed(run, clock)
                seconds.setdefault(name, []).append(took)
                if name == PEER:
                    reference = vectors
                cosine[name] = float((vectors * reference).sum(axis=1).min())
    asked = f"{options.passages} passages, {options.rounds} rounds, {device}, {options.threads} threads"
    print(f"{asked}, {options.clock} time", file=sys.stderr)
    print(f"| encoder | passages/s | ratio to {PEER} | lowest cosine |")
    print("|---|---|---|---|")
    for name, took in seconds.items():
        ratio = statistics.median(peer / own for peer, own in zip(seconds[PEER], took, strict=True))
        print(f"| {name} | {options.passages / statistics.median(took):.0f} | {ratio:.2f} | {cosine[name]:.6f} |")


if __name__ == "__main__":
    main()
