"""What attention written out gains over the fused kernel in a training step on a CPU.

    python benchmarks/attention.py --length 128 --rows 8

MiniLM on random tokens, half of the texts shorter: forward and backward in bf16 autocast, processor seconds of one
thread. The steps take turns; medians over the rounds.
"""

import argparse
import statistics
import time
from typing import Any

import torch

from labrador.encoders.minilm import BundledMiniLM
from labrador.training.encoder import ROWS, set_dropout, write_out_attention


def step(rows: int, length: int, dropout: float, written_out: bool) -> Any:
    """A function that makes one step and returns its processor seconds."""
    torch.manual_seed(0)
    towers = BundledMiniLM().build().train()
    set_dropout(towers, dropout)
    if written_out:
        write_out_attention(towers)
    ids = torch.randint(1000, 20_000, (rows, length))
    mask = torch.ones_like(ids)
    mask[::2, 3 * length // 4 :] = 0

    def run() -> float:
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            vectors = towers.encode("passage", ids, mask)
        vectors.square().sum().backward()
        return time.process_time() - start

    return run


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=int, default=128, help="tokens of a text")
    parser.add_argument("--rows", type=int, default=ROWS, help="texts encoded together")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| dropout | fused, texts/processor s | written out | ratio |\n|---|---|---|---|")
    for dropout in (0.0, 0.1):
        kinds = [step(options.rows, options.length, dropout, written_out) for written_out in (False, True)]
        for run in kinds:
            run()
        seconds = [[run() for run in kinds] for _ in range(options.rounds)]
        fused, plain = (options.rows / statistics.median(column) for column in zip(*seconds, strict=True))
        print(f"| {dropout} | {fused:.1f} | {plain:.1f} | {plain / fused:.2f} |")


if __name__ == "__main__":
    main()
