"""A teaching small enough to be run, killed and run again in a test; on the toy texts."""

from pathlib import Path
from typing import Any

import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens
from labrador.labels import teaching
from labrador.labels.teacher import Teacher
from labrador.training.settings import TrainSettings
from training import toy

TEACHER = Teacher(encoder=Tiny(), negatives=2)


def teach(
    folder: Path, out: Path, teacher: Teacher = TEACHER, seed: int = 0, **settings: Any
) -> dict[str, torch.Tensor]:
    """Train the teacher into `out` with the texts of `folder`; returns the weights that were written."""
    out.mkdir(exist_ok=True)
    chosen = TrainSettings(**toy.SETTINGS | settings)
    tokens = Tokens(folder / "queries"), Tokens(folder / "passages")
    batches = toy.epochs(chosen.batch_size, teacher.negatives)
    teaching.teach(teacher, batches, *tokens, chosen, seed, out, "cpu")
    return toy.weights(out)
