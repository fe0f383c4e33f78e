"""What looking up the word vectors of a batch once gains in a training step on a CPU.

    python benchmarks/words.py --rows 48

MiniLM on random tokens, encoded a few texts at a time: forward and backward in bf16 autocast, processor seconds of one
thread. The steps take turns; medians over the rounds.
"""

import argparse
import statistics
import time
from contextlib import nullcontext
from typing import Any

import torch

from labrador.encoders.minilm import BundledMiniLM
from labrador.training.encoder import ROWS, set_dropout, write_out_attention
from labrador.training.words import looked_up_once


def step(rows: int, length: int, once: bool) -> Any:
    """A function that makes one step and returns its processor seconds."""
    torch.manual_seed(0)
    towers = BundledMiniLM().build().train()
    set_dropout(towers, 0.0)
    write_out_attention(towers)
    ids = torch.randint(1000, 20_000, (rows, length))

    def run() -> float:
        towers.zero_grad()
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16), looked_up_once(towers.passage, ids) if once else nullcontext():
            vectors = torch.cat([towers.encode("passage", part, None) for part in ids.split(ROWS)])
        vectors.square().sum().backward()
        return time.process_time() - start

    return run


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=48, help="texts of a batch")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| tokens | looked up part by part, texts/processor s | once | ratio |\n|---|---|---|---|")
    for length in (32, 64, 128, 256):
        kinds = [step(options.rows, length, once) for once in (False, True)]
        for run in kinds:
            run()
        seconds = [[run() for run in kinds] for _ in range(options.rounds)]
        parts, once = (options.rows / statistics.median(column) for column in zip(*seconds, strict=True))
        print(f"| {length} | {parts:.1f} | {once:.1f} | {once / parts:.2f} |")


if __name__ == "__main__":
    main()
