"""The one training loop: trains what a `Training` builds and writes it into a `Place`."""

import json
import shutil
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedModel

from ..errors import LabradorError
from ..machine import processes
from ..machine.devices import memory_for
from ..machine.files import atomically, sync_tree
from .base import Place, Trainable, Training
from .batches import Loader, Lookup, Parts
from .checkpoints import newest
from .keeping import KeepBest, looks
from .settings import CURVE, DEV_RANK
from .trainer import RetrieverTrainer, arguments


def train(training: Training, place: Place) -> None:
    """Train what `training` builds; write what the model saves, then curve.jsonl (step, loss, learning_rate, ...).

    A killed training that is started again continues from its last complete checkpoint, in folder/trainer, and ends
    with the same weights. Once curve.jsonl is there, nothing is left to do.
    Raises LabradorError when there is nothing to train on, memory runs out or the training diverges.
    """
    with memory_for(f"{training.name}, {training.settings.batch_size} queries a batch", training.too_large):
        _train(training, place)


def _train(training: Training, place: Place) -> None:
    checkpoints = place.folder / "trainer"
    if _finished(place.folder):
        _remove(checkpoints)
        return
    settings = training.settings.resolved(place.device)
    parts = _parts(training)
    resume = _resume(checkpoints)
    torch.manual_seed(training.seed)  # for weights that start at random
    model, collate = training.build()
    if place.device == "cpu" and settings.precision == "bfloat16":  # faster there: benchmarks/training.py
        for part in model.modules():
            if isinstance(part, PreTrainedModel):
                part.set_attn_implementation("eager")
    loader = Loader(
        Lookup(),
        batch_sampler=parts,
        collate_fn=collate,
        num_workers=training.workers,
        pin_memory=place.device != "cpu",
        generator=torch.Generator(),  # so that the loader leaves torch's own generator alone
    )
    steps = settings.steps(parts.steps)
    keeping = None
    if training.dev_rank is not None:
        due = looks(steps, parts.steps, settings.dev_from)
        keeping = KeepBest(model, partial(training.dev_rank, model), due, checkpoints, place.watch)
    given = arguments(settings, steps, training.seed, checkpoints, place.device)
    trainer = RetrieverTrainer(model, given, loader, settings.optimizer, place.watch, keeping)
    trainer.train(resume_from_checkpoint=resume)
    if processes.is_main():
        if keeping is not None:
            keeping.restore(trainer.state)
        _write(model, trainer.state.log_history, place.folder)
    _remove(checkpoints)


def _parts(training: Training) -> Parts:
    if not training.batches(0):
        raise LabradorError(
            "training: no train query has a positive passage; expected at least one; add judgements to the train "
            "split, or use retriever=pretrained or retriever=bm25"
        )
    return Parts(training.batches, training.settings.batch_size, training.settings.gradient_accumulation)


def _finished(folder: Path) -> bool:
    """Whether an earlier run has written everything; all processes get the same answer."""
    return processes.broadcast("finished" if processes.is_main() and (folder / CURVE).exists() else "") != ""


def _resume(checkpoints: Path) -> str | None:
    """The checkpoint to continue from, the same in all processes; removes what cannot be continued."""
    chosen = ""
    if processes.is_main():
        chosen = str(newest(checkpoints) or "")
    return processes.broadcast(chosen) or None


def _write(model: Trainable, history: list[dict[str, float]], folder: Path) -> None:
    broken = [name for name, value in model.named_parameters() if not torch.isfinite(value).all()]
    if broken:
        raise LabradorError(
            f"{broken[0]}: not finite after training; expected finite weights; lower train.learning_rate or set "
            "train.precision=float32"
        )
    model.save(folder)
    lines = [json.dumps(entry) for entry in history if "loss" in entry or DEV_RANK in entry]
    sync_tree(folder)
    with atomically(folder / CURVE) as curve:  # written last: everything else is there
        curve.write_text("".join(f"{line}\n" for line in lines))


def _remove(checkpoints: Path) -> None:
    """Remove the checkpoints of a finished training; returns in all processes once they are gone."""
    if processes.is_main() and checkpoints.exists():
        shutil.rmtree(checkpoints)
    processes.barrier()
