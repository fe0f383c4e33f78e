"""A teacher's scores of many (question, passage) pairs, shard by shard, into one .npy file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays.shards import write_shards
from ..encoders.tokens import Tokens
from ..encoding import TOKEN_BUDGET, autocast, fill_by_length
from ..errors import LabradorError
from ..machine.devices import memory_for
from .cross_encoder import CrossEncoder

SHARD = 8192  # pairs that are sorted by length, and lost by a kill, together


def write_scores(
    teacher: CrossEncoder,
    questions: Tokens,
    passages: Tokens,
    rows: NDArray[np.int64],
    ids: NDArray[np.int64],
    out: Path,
    precision: Literal["float32", "bfloat16"],
    device: torch.device,
) -> None:
    """Write the probabilities that passages answer their question to the .npy file `out`: float32 [R k].

    rows [R]: the questions; ids [R, k]: passages of each (-1: none, which is scored NaN). Continues what a killed run
    began; started by torchrun, the processes share the work. Raises LabradorError when a score is not finite.
    """
    teacher = teacher.to(device).eval()
    depth = ids.shape[1]

    def make(first: int, last: int, progress: Callable[[int], Any]) -> NDArray[np.float32]:
        chosen = ids.reshape(-1)[first:last]
        there = np.flatnonzero(chosen >= 0)
        own = np.arange(first, last)[there] // depth
        scores = np.full(last - first, np.nan, dtype=np.float32)
        if len(there):
            with memory_for("scoring pairs with the teacher", "lower retriever.teacher_passage_length"):
                scores[there] = _probabilities(
                    teacher, questions, passages, rows[own], chosen[there], precision, progress
                )
        progress(last - first - len(there))
        return scores

    write_shards(out, (ids.size,), np.float32, SHARD, make, verb="scoring pairs", unit=" pairs")


def _probabilities(
    teacher: CrossEncoder,
    questions: Tokens,
    passages: Tokens,
    rows: NDArray[np.int64],
    ids: NDArray[np.int64],
    precision: str,
    progress: Callable[[int], Any],
) -> NDArray[np.float32]:
    """The probabilities [n] of n pairs: questions `rows` [n], passages `ids` [n]."""
    device = next(teacher.parameters()).device
    asked, which_question = np.unique(rows, return_inverse=True)
    read, which_passage = np.unique(ids, return_inverse=True)
    first, second = questions.rows(asked), passages.rows(read)
    lengths = (
        np.fromiter(map(len, first), np.int64)[which_question] + np.fromiter(map(len, second), np.int64)[which_passage]
    )
    scores = torch.empty(len(rows), device=device)

    def work(pairs: NDArray[np.int64]) -> Tensor:
        chosen = [first[q] for q in which_question[pairs]], [second[p] for p in which_passage[pairs]]
        inputs = teacher.template.inputs(*chosen)
        mask = inputs.pop("attention_mask")
        inputs["attention_mask"] = None if mask is None or bool(mask.all()) else mask  # attention is faster without one
        placed = {name: None if value is None else value.to(device) for name, value in inputs.items()}
        with torch.inference_mode(), autocast(device, precision):
            return torch.sigmoid(teacher(**placed))

    fill_by_length(scores, lengths, TOKEN_BUDGET[device.type], work, progress)
    broken = int((~torch.isfinite(scores)).sum())
    if broken:
        raise LabradorError(
            f"teacher: {broken} of {len(scores)} scores are not finite, finite numbers were expected; use another "
            "teacher, or one whose training did not diverge"
        )
    return scores.cpu().numpy()
