"""What the learned product quantizer costs in training: a step with it and the same step without it.

    python benchmarks/product.py --batch 32 --codebooks 48

MiniLM on random words, with the lengths of encyclopedia passages; each query has a positive and a hard negative;
forward, backward and AdamW. The steps take turns; medians over the rounds of processor seconds of one thread, which
other work on the machine changes little.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labrador.arrays.ragged import Ragged
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.towers import load_towers
from labrador.losses.base import Objective
from labrador.losses.bidr import BiDRLoss
from labrador.losses.contrastive import Contrastive
from labrador.samplers.base import Pool
from labrador.samplers.random import Random
from labrador.training.batches import Collate, Part
from labrador.training.encoder import TrainableEncoder
from training import encoder_of, texts

TEMPERATURE = 0.05


def steps(objective: Objective, inputs: dict[str, Any]) -> Any:
    """A function that makes one optimizer step on the inputs and returns its processor seconds."""
    towers = load_towers(encoder_of("minilm")).train()
    model = TrainableEncoder(towers, objective)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=2e-5)

    def step() -> float:
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(inputs, 0)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return time.process_time() - start

    return step


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="queries of a step")
    parser.add_argument("--codebooks", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    encoder = encoder_of("minilm")
    assert isinstance(encoder, BundledMiniLM)
    with tempfile.TemporaryDirectory() as folder:
        queries, passages = texts(4 * options.batch, encoder, Path(folder))
        positives = Ragged.from_lists([[row] for row in range(len(queries))])
        pool = Pool(positives, None, len(passages), options.batch, seed=0)
        examples = next(iter(Random(negatives=1).batches(pool, 0)))
        inputs = Collate(queries, passages, positives, 0)(Part(examples, options.batch))
    layer: dict[str, Any] = {"codebooks": options.codebooks, "temperature": TEMPERATURE, "sharpness": encoder.dimension}
    kinds = {
        "without": steps(Contrastive(temperature=TEMPERATURE), inputs),
        "with the layer": steps(BiDRLoss(**layer), inputs),
        "with the layer and its rotation": steps(BiDRLoss(**layer, train_rotation=True), inputs),
    }
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(options.rounds + 1):
        for name, step in kinds.items():
            seconds = step()
            if turn:
                taken[name].append(seconds)
    plain = float(np.median(taken["without"]))
    print(f"| {options.batch} queries, {options.codebooks} x 256 codewords | processor s per step | / without |")
    print("|---|---|---|")
    for name, values in taken.items():
        print(f"| {name} | {np.median(values):.2f} | {np.median(values) / plain:.2f} |")


if __name__ == "__main__":
    main()
