"""A training small enough to be run, killed and run again in a test."""

import json
import multiprocessing
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from labrador.arrays.ragged import Ragged
from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens, write_tokens
from labrador.losses.base import Batch, Objective, Parameter, State
from labrador.losses.contrastive import Contrastive, info_nce
from labrador.machine import processes
from labrador.samplers.base import Example, Pool
from labrador.samplers.random import Random
from labrador.training.base import Place
from labrador.training.dev_rank import DevQuestions
from labrador.training.encoder import EncoderTraining
from labrador.training.loop import train
from labrador.training.settings import TrainSettings

WORDS = ["apple", "berry", "cat", "dog", "eel", "fig", "goat", "hen", "ibis", "jay"]
QUERIES, PASSAGES = 21, 40
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "precision": "float32", "log_steps": 1}


@dataclass(frozen=True, kw_only=True)
class Still(Tiny):
    """The tiny encoder without dropout, so that the loss does not depend on who computes what."""

    def load_model(self, dropout: float | None = None) -> Any:
        return super().load_model(dropout or 0.0)


@dataclass(frozen=True)
class Rescaled(Objective):
    """The contrastive loss on linearly mapped vectors: an objective with parameters and a second loss."""

    rate: float = 1e-2

    def parameters(self, dimension: int) -> dict[str, Parameter]:
        return {"layer": Parameter(nn.Linear(dimension, dimension, bias=False).weight.detach(), self.rate)}

    def losses(self, batch: Batch, state: State) -> dict[str, torch.Tensor]:
        mapped = batch.passages @ state["layer"].T
        losses = info_nce(batch.queries, mapped, batch.positives, batch.masked, 1.0)
        norms = mapped.norm(dim=1)[batch.positives] / (1 + batch.step)
        return {"loss": losses + 0.01 * norms, "norms": norms}


def positives() -> Ragged:
    """Query i's positive is passage i; every third query has passage i + 1 besides."""
    return Ragged.from_lists([[row, row + 1] if row % 3 == 0 else [row] for row in range(QUERIES)])


def tokens(folder: Path, encoder: Tiny) -> tuple[Tokens, Tokens]:
    """Token ids of the toy queries and passages."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(2, 8))) for _ in range(PASSAGES)]
    passages = write_tokens([texts], PASSAGES, encoder.tokenizer(), 32, folder / "passages")
    queries = write_tokens(
        [[text[:15] for text in texts[:QUERIES]]], QUERIES, encoder.tokenizer(), 16, folder / "queries"
    )
    return queries, passages


def dev_questions(folder: Path) -> DevQuestions:
    """The toy queries, ranked among all passages."""
    rows, lists = np.arange(QUERIES), positives()
    texts = Tokens(folder / "queries"), Tokens(folder / "passages")
    return DevQuestions(*texts, rows, rows, np.arange(PASSAGES), lists)


def epochs(batch_size: int, negatives: int = 2) -> Callable[[int], list[list[Example]]]:
    """The batches of an epoch."""
    pool = Pool(positives(), None, PASSAGES, batch_size, seed=0)
    return lambda epoch: list(Random(negatives=negatives).batches(pool, epoch))


def run(
    folder: Path,
    out: Path,
    encoder: Tiny | None = None,
    objective: Objective | None = None,
    start: Any = None,
    batches: Callable[[int], list[list[Example]]] | None = None,
    gathered: bool = True,
    dev_rank: Callable[[Any], float] | None = None,
    **settings: Any,
) -> dict[str, torch.Tensor]:
    """Train the toy encoder into `out` with the texts of `folder`; returns the weights that were written."""
    encoder = encoder or Tiny(shared=True)
    out.mkdir(exist_ok=True)
    chosen = TrainSettings(**SETTINGS | settings)
    start = start or Checkpoint(encoder, None, "toy")
    training = EncoderTraining(
        batches=batches or epochs(chosen.batch_size),
        settings=chosen,
        seed=0,
        dev_rank=dev_rank,
        start=start,
        objective=objective or Contrastive(),
        queries=Tokens(folder / "queries"),
        passages=Tokens(folder / "passages"),
        spared=positives(),
        state=start.objective_state(),
        gathered=gathered,
    )
    train(training, Place(out))
    return weights(out)


def weights(out: Path) -> dict[str, torch.Tensor]:
    """All weights that a training wrote."""
    return {
        f"{path.relative_to(out)}:{name}": value
        for path in sorted(out.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def curve(out: Path) -> list[dict[str, float]]:
    """The lines of the training curve."""
    return [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]


def in_processes(function: Callable[..., None], count: int, *args: Any) -> list[int | None]:
    """Run function(*args) in `count` fresh processes that find each other as torchrun's do; returns the exit codes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labrador.training.loop", "labrador.encoders.tiny", "transformers.models.bert"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [context.Process(target=_as_rank, args=(rank, count, port, function, args)) for rank in range(count)]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=120)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in started]


def _as_rank(rank: int, count: int, port: int, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    if count > 1:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    torch.set_num_threads(1)
    processes.start()
    function(*args)
    if count > 1:
        torch.distributed.destroy_process_group()
