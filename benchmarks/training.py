"""Training speed: Labrador's loop in float32 and bfloat16 compared with a plain torch loop on the same batches.

    .venv/bin/python benchmarks/training.py                                # all-MiniLM-L6-v2 on the CPU
    .venv/bin/python benchmarks/training.py --encoder base --device cuda   # BERT-base's size, random weights

Texts are random words in the lengths of encyclopedia passages; one hard negative per query. The plain loop runs with
transformers' fused attention (sdpa) and with its separate products (eager). A step's seconds are the
slope between a short and a long training, so that loading the model does not count. On the CPU they are processor
seconds of one thread, which other work on the machine changes little; on a GPU, seconds on the clock.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from labrador.arrays.ragged import Ragged
from labrador.encoders.base import Encoder
from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens, pad, write_tokens
from labrador.encoders.towers import TwoTower, load_towers
from labrador.losses.contrastive import Contrastive, info_nce
from labrador.samplers.base import Example, Pool
from labrador.samplers.random import Random
from labrador.training.base import Place
from labrador.training.batches import distinct_passages
from labrador.training.encoder import EncoderTraining
from labrador.training.loop import train
from labrador.training.settings import TrainSettings

TEMPERATURE, RATE, CLIP = 0.05, 2e-5, 2.0
SHORT = 1  # steps


def encoder_of(name: str) -> Encoder:
    """The encoder of an option."""
    lengths = {"max_query_length": 64, "max_passage_length": 256}
    if name == "minilm":
        return BundledMiniLM(pooling="mean", normalize=True, shared=True, **lengths)
    return Tiny(hidden=768, layers=12, heads=12, normalize=True, shared=True, **lengths)


def texts(count: int, encoder: Encoder, folder: Path) -> tuple[Tokens, Tokens]:
    """Token ids of `count` queries of 5 to 12 words and passages of 20 to 120 words."""
    rng = np.random.default_rng(0)
    words = np.array(
        ["river", "castle", "treaty", "orbit", "sonata", "enzyme", "harbour", "glacier", "senate", "novel"]
    )

    def some(low: int, high: int) -> list[str]:
        return [" ".join(rng.choice(words, rng.integers(low, high))) for _ in range(count)]

    tokenizer = encoder.tokenizer()
    queries = write_tokens([some(5, 13)], count, tokenizer, encoder.max_query_length, folder / "queries")
    return queries, write_tokens([some(20, 121)], count, tokenizer, encoder.max_passage_length, folder / "passages")


def plain_loop(
    towers: TwoTower, batches: list[list[Example]], tokens: tuple[Tokens, Tokens], device: str, precision: str
) -> None:
    """The same training without a Trainer, checkpoints or logs."""
    towers = towers.to(device).train()
    optimizer = torch.optim.AdamW(towers.parameters(), lr=RATE)
    context = nullcontext() if precision == "float32" else torch.autocast(device, torch.bfloat16)
    for batch in batches:
        rows, positives = distinct_passages(batch)
        sides = zip(("query", "passage"), tokens, ([example.query for example in batch], rows), strict=True)
        with context:
            vectors = [
                towers.encode(side, *(part.to(device) for part in pad(ids.rows(wanted), towers.pad_id)[:2]))
                for side, ids, wanted in sides
            ]
        masked = torch.zeros(len(batch), len(rows), dtype=torch.bool, device=device)
        loss = info_nce(*vectors, torch.from_numpy(positives).to(device), masked, TEMPERATURE).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(towers.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_per_step(run: Callable[[int], None], steps: int, device: str) -> float:
    """The slope between trainings of SHORT and of SHORT + `steps` steps, after one that warms up."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    seconds = []
    run(1)
    for count in (SHORT, SHORT + steps):
        start = clock()
        run(count)
        seconds.append(clock() - start)
    return (seconds[1] - seconds[0]) / steps


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=["minilm", "base"], default="minilm")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3, help="the loops take turns; medians over the rounds")
    return parser.parse_args()


def main() -> None:
    """Measure and print one line per way to train."""
    options = arguments()
    torch.set_num_threads(1)
    encoder, size = encoder_of(options.encoder), options.batch * (SHORT + options.steps)
    positives = Ragged.from_lists([[row] for row in range(size)])

    with tempfile.TemporaryDirectory() as name:
        tokens = texts(size, encoder, Path(name))
        batches = list(Random().batches(Pool(positives, None, size, options.batch, 0), 0))

        def labrador(precision: str) -> Callable[[int], None]:
            def run(steps: int) -> None:
                settings = TrainSettings(
                    batch_size=options.batch,
                    learning_rate=RATE,
                    max_grad_norm=CLIP,
                    precision=precision,
                    warmup=0.0,
                    dropout=options.dropout,
                )
                training = EncoderTraining(
                    batches=lambda epoch: batches[:steps],
                    settings=settings,
                    seed=0,
                    start=Checkpoint(encoder, None, "start"),
                    objective=Contrastive(temperature=TEMPERATURE),
                    queries=tokens[0],
                    passages=tokens[1],
                    spared=positives,
                )
                with tempfile.TemporaryDirectory() as out:
                    train(training, Place(Path(out), options.device))

            return run

        def plain(precision: str, attention: str) -> Callable[[int], None]:
            def run(steps: int) -> None:
                towers = load_towers(encoder, dropout=options.dropout)
                towers.query.model.set_attn_implementation(attention)
                plain_loop(towers, batches[:steps], tokens, options.device, precision)

            return run

        ways: dict[str, Callable[[int], None]] = {}
        for precision in ("float32", "bfloat16"):
            ways |= {f"plain torch, {kind}, {precision}": plain(precision, kind) for kind in ("sdpa", "eager")}
            ways[f"labrador, {precision}"] = labrador(precision)
        rounds = [
            {way: seconds_per_step(run, options.steps, options.device) for way, run in ways.items()}
            for _ in range(options.rounds)
        ]
    taken = {way: statistics.median(seconds[way] for seconds in rounds) for way in ways}
    peer = taken["plain torch, sdpa, float32"]
    print(f"\n{options.encoder}, {options.device}, batch {options.batch}")
    print("| loop | steps/s | passages/s | ratio to plain torch, sdpa, float32 |\n|---|---|---|---|")
    for way, seconds in taken.items():
        passages = np.mean([len(distinct_passages(batch)[0]) for batch in batches]) / seconds
        print(f"| {way} | {1 / seconds:.2f} | {passages:.1f} | {peer / seconds:.2f} |")


if __name__ == "__main__":
    main()
