"""The one training loop: a checkpoint, an objective and a sampler's batches become trained towers."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..machine import processes
from ..machine.devices import memory_for
from ..samplers.base import Example
from ..store import sync
from .batches import Collate, Loader, Lookup, Parts
from .checkpoints import newest
from .dev import DevQuestions
from .frozen import FrozenPassages
from .keeping import KeepBest, looks
from .model import Trainable, TrainingModel, set_dropout, write_out_attention
from .progress import Watch
from .settings import CURVE, DEV_RANK, TrainSettings
from .trainer import RetrieverTrainer, arguments

TOO_LARGE = (  # what to do about a training that does not fit
    "raise train.gradient_accumulation, which works each batch in more parts, or lower train.batch_size or "
    "encoder.max_passage_length"
)


def train(
    start: Checkpoint,
    objective: Objective,
    batches: Callable[[int], list[list[Example]]],
    query_tokens: Tokens,
    passages: Tokens | FrozenPassages,
    positives: Ragged,
    settings: TrainSettings,
    seed: int,
    folder: Path,
    device: str = "cpu",
    state: Mapping[str, NDArray[np.float32]] | None = None,
    gathered: bool = True,
    watch: Watch | None = None,
    dev: DevQuestions | None = None,
) -> None:
    """Train from `start` on `batches(epoch)`, the same in every process, and write the result into `folder`.

    Writes towers/ (as TwoTower.save does), objective.safetensors (where the objective has parameters) and curve.jsonl
    (step, loss, learning_rate, ...). `positives` are the passage rows of each query; `state` are parameters that the
    objective starts from, by name; `gathered`: queries are scored against the passages of all processes, otherwise
    against those of their own; `watch` is given the curve as it grows. Frozen passages are not encoded: the query tower
    alone is trained then. Killed and started again with the same arguments, it continues from the last whole checkpoint
    in folder/trainer and ends with the same weights; curve.jsonl comes last, and where it is there is nothing left to
    do. `dev`: the weights that rank these questions best are kept, not the last; the curve has their ranks.
    Raises LabradorError when there is nothing to train on or the training diverges.
    """
    settings = settings.resolved(device)

    def make() -> tuple[TrainingModel, Collate]:
        towers = start.towers()
        if settings.dropout is not None:
            set_dropout(towers, settings.dropout)
        model = TrainingModel(towers, objective.build(towers.dimension))
        model.objective.start_from(state or {})
        if isinstance(passages, FrozenPassages) and towers.passage is not towers.query:
            towers.passage.requires_grad_(False)
        return model, Collate(
            query_tokens,
            passages,
            positives,
            towers.pad_id,
            processes.rank(),
            processes.world_size(),
            gathered,
            towers.segments("passage"),
            model.objective.crosses_queries,
        )

    if isinstance(passages, FrozenPassages):
        settings = replace(settings, workers=0)
    with memory_for(f"training, {settings.batch_size} queries a batch", TOO_LARGE):
        run(make, batches, settings, seed, folder, device, watch, None if dev is None else dev.average_rank)


def run(
    make: Callable[[], tuple[Trainable, Callable[[Any], dict[str, Any]]]],
    batches: Callable[[int], list[list[Example]]],
    settings: TrainSettings,
    seed: int,
    folder: Path,
    device: str,
    watch: Watch | None = None,
    dev_rank: Callable[[Any], float] | None = None,
) -> None:
    """Train what `make` builds, a model and the collation of its inputs, as `train` does; `settings` are resolved.

    With a `dev_rank` of the model, what had the least is kept.

    torch's seed is set before `make` is called, and it is not called where there is nothing left to do.
    """
    checkpoints = folder / "trainer"
    if _finished(folder):
        _remove(checkpoints)
        return
    parts = _parts(batches, settings)
    resume = _resume(checkpoints)
    torch.manual_seed(seed)  # for what starts from random weights
    model, collate = make()
    if device == "cpu":
        write_out_attention(model)
    loader = Loader(
        Lookup(),
        batch_sampler=parts,
        collate_fn=collate,
        num_workers=settings.workers,
        pin_memory=device != "cpu",
        generator=torch.Generator(),  # so that the loader leaves torch's own generator alone
    )
    steps = settings.steps(parts.steps)
    told = arguments(settings, steps, seed, checkpoints, device)
    keeping = None
    if dev_rank is not None:
        due = looks(steps, parts.steps, settings.dev_from)
        keeping = KeepBest(model, partial(dev_rank, model), due, checkpoints, watch)
    trainer = RetrieverTrainer(model, told, loader, settings.optimizer, watch, keeping)
    trainer.train(resume_from_checkpoint=resume)
    if processes.is_main():
        if keeping is not None:
            keeping.restore(trainer.state)
        _write(model, trainer.state.log_history, folder)
    _remove(checkpoints)


def _parts(batches: Callable[[int], list[list[Example]]], settings: TrainSettings) -> Parts:
    first = batches(0)
    if not first:
        raise LabradorError(
            "training: no train query has a positive passage, at least one was expected; add judgements to the train "
            "split, or use retriever=pretrained or retriever=bm25"
        )
    return Parts(batches, settings.batch_size, settings.gradient_accumulation)


def _finished(folder: Path) -> bool:
    """Whether a former run has written everything, in every process the same."""
    return processes.broadcast("finished" if processes.is_main() and (folder / CURVE).exists() else "") != ""


def _resume(checkpoints: Path) -> str | None:
    """The checkpoint to continue from, in every process the same; removes what cannot be continued."""
    chosen = ""
    if processes.is_main():
        chosen = str(newest(checkpoints) or "")
    return processes.broadcast(chosen) or None


def _write(model: Trainable, history: list[dict[str, float]], folder: Path) -> None:
    broken = [name for name, value in model.named_parameters() if not torch.isfinite(value).all()]
    if broken:
        raise LabradorError(
            f"{broken[0]}: not finite after training, finite weights were expected; lower train.learning_rate or "
            "set train.precision=float32"
        )
    model.save(folder)
    lines = [json.dumps(entry) for entry in history if "loss" in entry or DEV_RANK in entry]
    curve = folder / f"{CURVE}.part"
    curve.write_text("".join(f"{line}\n" for line in lines))
    for path in folder.rglob("*"):
        sync(path)
    curve.replace(folder / CURVE)  # says that all else is there, so that it must be on disk before
    sync(folder)


def _remove(checkpoints: Path) -> None:
    """Remove the checkpoints, once their training is finished; returns in all processes when they are gone."""
    if processes.is_main() and checkpoints.exists():
        shutil.rmtree(checkpoints)
    processes.barrier()
