"""Writes a teacher's scores of many (query, passage) pairs, shard by shard, to one .npy file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays.shards import Plan, write_shards
from ..encoders.tokens import Ids, Tokens
from ..encoding import TOKEN_BUDGET, autocast, fill_by_length
from ..errors import LabradorError
from ..machine.devices import memory_for
from .cross_encoder import CrossEncoder

SHARD = 8192  # pairs sorted by length together; as many are lost when a run is killed


@dataclass(frozen=True)
class Pairs:
    """The (query, passage) pairs of a ranking: queries `rows` [R], each with the passages `ids` [R, k] (-1: none).

    They are numbered row by row, from 0 to R k - 1.
    """

    queries: Tokens
    passages: Tokens
    rows: NDArray[np.int64]
    ids: NDArray[np.int64]

    def texts(self, numbers: NDArray[np.int64]) -> tuple[list[Ids], list[Ids]]:
        """Token ids of the queries and of the passages of some pairs; each text is read once."""
        asked, which_query = np.unique(self.rows[numbers // self.ids.shape[1]], return_inverse=True)
        read, which_passage = np.unique(self.ids.reshape(-1)[numbers], return_inverse=True)
        queries, passages = self.queries.rows(asked), self.passages.rows(read)
        return [queries[place] for place in which_query], [passages[place] for place in which_passage]


def write_scores(
    teacher: CrossEncoder,
    pairs: Pairs,
    out: Path,
    precision: Literal["float32", "bfloat16"],
    device: torch.device,
) -> None:
    """Write the probability that each passage answers its query to the .npy file `out`: float32 [R k], NaN for none.

    Continues what a killed run began; under torchrun the processes share the work. Raises LabradorError when a score
    is not finite.
    """
    teacher = teacher.to(device).eval()

    def make(first: int, last: int, progress: Callable[[int], Any]) -> NDArray[np.float32]:
        there = np.flatnonzero(pairs.ids.reshape(-1)[first:last] >= 0)
        scores = np.full(last - first, np.nan, dtype=np.float32)
        if len(there):
            with memory_for("scoring pairs with the teacher", "lower retriever.teacher_passage_length"):
                queries, passages = pairs.texts(first + there)
                scores[there] = _probabilities(teacher, queries, passages, precision, progress)
        progress(last - first - len(there))
        return scores

    plan = Plan((pairs.ids.size,), np.float32, SHARD)
    write_shards(out, plan, make, verb="scoring pairs", unit=" pairs")


def _probabilities(
    teacher: CrossEncoder,
    queries: list[Ids],
    passages: list[Ids],
    precision: str,
    progress: Callable[[int], Any],
) -> NDArray[np.float32]:
    """The probabilities [n] of n pairs."""
    device = next(teacher.parameters()).device
    lengths = np.fromiter(map(len, queries), np.int64) + np.fromiter(map(len, passages), np.int64)
    scores = torch.empty(len(queries), device=device)

    def work(chosen: NDArray[np.int64]) -> Tensor:
        inputs = teacher.template.inputs([queries[place] for place in chosen], [passages[place] for place in chosen])
        mask = inputs.pop("attention_mask")
        inputs["attention_mask"] = None if mask is None or bool(mask.all()) else mask  # attention is faster without one
        placed = {name: None if value is None else value.to(device) for name, value in inputs.items()}
        with torch.inference_mode(), autocast(device, precision):
            return torch.sigmoid(teacher(**placed))

    fill_by_length(scores, lengths, TOKEN_BUDGET[device.type], work, progress)
    broken = int((~torch.isfinite(scores)).sum())
    if broken:
        raise LabradorError(
            f"teacher: {broken} of {len(scores)} scores are not finite; expected finite numbers; use another teacher, "
            "or one whose training did not diverge"
        )
    return scores.cpu().numpy()
