"""What is trained: the towers and the objective on their vectors, over all processes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import PreTrainedModel

from ..encoders.checkpoint import OBJECTIVE
from ..encoders.towers import Side, TwoTower
from ..losses.base import Batch, Everyone, Roles
from ..losses.module import ObjectiveModule
from .words import looked_up_once

ROWS = 8  # texts of about one length that a CPU encodes together: little padding, small buffers; decides dropout, too


class GatherRows(torch.autograd.Function):
    """Rows [n, D] of every process in rank order, [N, D]; gradients flow back to the process that gave the rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: Sequence[int]) -> Tensor:
        """`counts` are the numbers of rows of all processes, known to each; only their sizes in memory are padded."""
        ctx.counts = list(counts)
        padded = pad(rows, (0, 0, 0, max(counts) - len(rows))).contiguous()
        gathered = [torch.empty_like(padded) for _ in counts]
        torch.distributed.all_gather(gathered, padded)
        return torch.cat([part[:count] for part, count in zip(gathered, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The sum, over processes, of the gradients of this process's rows."""
        total = gradients[0].contiguous()
        torch.distributed.all_reduce(total)
        first = sum(ctx.counts[: torch.distributed.get_rank()])
        return total[first : first + ctx.counts[torch.distributed.get_rank()]], None


def set_dropout(model: nn.Module, share: float) -> None:
    """Let every dropout of `model`, also that of its attention, drop this share of numbers while it trains.

    With 0 a CPU trains about twice as fast: random numbers are dear there.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            attention: Any = module
            attention.attention_dropout = share


def write_out_attention(model: nn.Module) -> None:
    """Let every transformer of `model` compute attention in separate products instead of one fused kernel.

    On a CPU the fused kernel's backward pass is so slow that a training step takes a quarter longer with it
    (benchmarks/attention.py); without a backward pass both take as long.
    """
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")


class Trainable(nn.Module, ABC):
    """What the training loop trains: `forward` takes what a collation makes of a part of a batch, and the step, and
    gives losses by name, of which "loss" is trained.
    """

    @property
    @abstractmethod
    def backbone(self) -> nn.Module:
        """The part that is trained with the settings' learning rate and weight decay."""

    def own_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """torch.optim groups of all other parameters; the rates given are the backbone's."""
        return []

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was trained into `folder`."""


class TrainingModel(Trainable):
    """Token ids to the losses of one process's queries against the passages of all processes, or its own."""

    def __init__(self, towers: TwoTower, objective: ObjectiveModule) -> None:
        super().__init__()
        self.towers, self.objective = towers, objective

    @property
    def backbone(self) -> TwoTower:
        """The towers."""
        return self.towers

    def own_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The objective's."""
        return self.objective.parameter_groups(learning_rate, weight_decay)

    def save(self, folder: Path) -> None:
        """Write towers/ and, where the objective has parameters, objective.safetensors."""
        self.towers.save(folder / "towers")
        own = {name: value.detach().cpu().contiguous() for name, value in self.objective.state_dict().items()}
        if own:
            save_file(own, folder / OBJECTIVE)

    def forward(
        self,
        queries: dict[str, Any],
        passages: dict[str, Any],
        passage_counts: Sequence[int],
        positives: Tensor,
        masked: Tensor,
        roles: dict[str, Tensor],
        weight: float,
        step: int,
        everyone: dict[str, Any] | None = None,
    ) -> dict[str, Tensor]:
        """Inputs as `Collate` makes them, to the weighted sum of each loss over this process's queries.

        `passage_counts` are the passages of each process, or of this one alone where they are not gathered.
        `weight` is processes / queries of the batch: the mean over processes, which gradients are averaged to, summed
        over the batch's parts, is then the mean over its queries. Only the encoders run in reduced precision.
        """
        query_vectors, passage_vectors = self.encode("query", queries), self.encode("passage", passages)
        if len(passage_counts) > 1:
            passage_vectors = GatherRows.apply(passage_vectors, passage_counts)
        others = None if everyone is None else self._everyone(query_vectors, **everyone)
        with torch.autocast(query_vectors.device.type, enabled=False):
            batch = Batch(query_vectors, passage_vectors, positives, masked, step, Roles(**roles), others)
            losses = self.objective(batch)
        return {name: values.sum() * weight for name, values in losses.items()}

    def _everyone(self, vectors: Tensor, counts: Sequence[int], own: Tensor, shared: Tensor) -> Everyone:
        """All queries of the batch; `counts` are those of each process, or of this one alone."""
        return Everyone(GatherRows.apply(vectors, counts) if len(counts) > 1 else vectors, own, shared)

    def encode(self, side: Side, inputs: dict[str, Any]) -> Tensor:
        if "vectors" in inputs:  # of frozen passages
            vectors: Tensor = inputs["vectors"]
            return vectors[: inputs["kept"]]
        ids, mask, types = inputs["input_ids"], inputs["attention_mask"], inputs.get("token_type_ids")
        if ids.device.type != "cpu":
            return self.towers.encode(side, ids, mask, types)[: inputs["kept"]]
        order = mask.sum(dim=1).argsort(descending=True, stable=True)
        with looked_up_once(self.towers.tower(side), ids):
            encoded = [
                self.towers.encode(side, *trimmed(ids[part], mask[part], None if types is None else types[part]))
                for part in order.split(ROWS)
            ]
        return torch.cat(encoded)[order.argsort()][: inputs["kept"]]


def trimmed(ids: Tensor, mask: Tensor, types: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Token ids, mask and types (or None) [B, L] without the columns that are padding in every row."""
    longest = int(mask.sum(dim=1).max())
    return ids[:, :longest], mask[:, :longest], None if types is None else types[:, :longest]
