"""What is trained: the towers and the objective on their vectors, over all processes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..encoders.towers import Side, TwoTower
from ..losses.base import Batch
from ..losses.module import ObjectiveModule

ROWS = 16  # texts of about one length that a CPU encodes together, so that little is padding; decides dropout, too


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

    With 0 a CPU trains about twice as fast: random numbers are dear there, and attention runs fused.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            attention: Any = module
            attention.attention_dropout = share


class TrainingModel(nn.Module):
    """Token ids to the losses of one process's queries against the passages of all processes."""

    def __init__(self, towers: TwoTower, objective: ObjectiveModule) -> None:
        super().__init__()
        self.towers, self.objective = towers, objective

    def forward(
        self,
        queries: dict[str, Any],
        passages: dict[str, Any],
        passage_counts: Sequence[int],
        positives: Tensor,
        masked: Tensor,
        weight: float,
        step: int,
    ) -> dict[str, Tensor]:
        """Inputs as `Collate` makes them, to the weighted sum of each loss over this process's queries.

        `weight` is processes / queries of the batch: the mean over processes, which gradients are averaged to, summed
        over the batch's parts, is then the mean over its queries. Only the encoders run in reduced precision.
        """
        query_vectors, passage_vectors = self._encode("query", queries), self._encode("passage", passages)
        if len(passage_counts) > 1:
            passage_vectors = GatherRows.apply(passage_vectors, passage_counts)
        with torch.autocast(query_vectors.device.type, enabled=False):
            losses = self.objective(Batch(query_vectors, passage_vectors, positives, masked, step))
        return {name: values.sum() * weight for name, values in losses.items()}

    def _encode(self, side: Side, inputs: dict[str, Any]) -> Tensor:
        if "vectors" in inputs:  # of frozen passages
            vectors: Tensor = inputs["vectors"]
            return vectors[: inputs["kept"]]
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        if ids.device.type != "cpu":
            return self.towers.encode(side, ids, mask)[: inputs["kept"]]
        order = mask.sum(dim=1).argsort(descending=True, stable=True)
        encoded = [self.towers.encode(side, *trimmed(ids[part], mask[part])) for part in order.split(ROWS)]
        return torch.cat(encoded)[order.argsort()][: inputs["kept"]]


def trimmed(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Token ids and mask [B, L] without the columns that are padding in every row."""
    longest = int(mask.sum(dim=1).max())
    return ids[:, :longest], mask[:, :longest]
