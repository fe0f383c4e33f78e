"""A teaching small enough to be run, killed and run again in a test; on the toy texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens
from labrador.labels.teacher import Teacher
from labrador.labels.teaching import TeacherTraining
from labrador.samplers.base import Example
from labrador.training.base import Place
from labrador.training.loop import train
from labrador.training.settings import TrainSettings
from training import toy

TEACHER = Teacher(encoder=Tiny(), negatives=2)


def teach(
    folder: Path,
    out: Path,
    teacher: Teacher = TEACHER,
    batches: Callable[[int], list[list[Example]]] | None = None,
    seed: int = 0,
    **settings: Any,
) -> dict[str, torch.Tensor]:
    """Train the teacher into `out` with the texts of `folder`; returns the weights that were written."""
    out.mkdir(exist_ok=True)
    chosen = TrainSettings(**toy.SETTINGS | settings)
    training = TeacherTraining(
        batches=batches or toy.epochs(chosen.batch_size, teacher.negatives),
        settings=chosen,
        seed=seed,
        teacher=teacher,
        queries=Tokens(folder / "queries"),
        passages=Tokens(folder / "passages"),
    )
    train(training, Place(out))
    return toy.weights(out)
