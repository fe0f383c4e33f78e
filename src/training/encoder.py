"""What is trained: the towers and the objective on their vectors, over all processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import pad

from ..arrays.ragged import Ragged
from ..encoders.checkpoint import OBJECTIVE, Checkpoint
from ..encoders.tokens import Tokens
from ..encoders.towers import Side, TwoTower
from ..losses.base import Batch, Everyone, Objective, Roles
from ..losses.module import ObjectiveModule
from ..machine import processes
from .base import Trainable, Training
from .batches import Collate, Inputs, Texts
from .frozen import FrozenPassages

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


def gathered(rows: Tensor, counts: Sequence[int]) -> Tensor:
    """The rows [n, D] of all processes, of which each has so many; of this one alone where one count is given."""
    result: Tensor = GatherRows.apply(rows, counts) if len(counts) > 1 else rows
    return result


class TrainableEncoder(Trainable):
    """Token ids to the losses of one process's queries against the passages of all processes, or its own."""

    def __init__(self, towers: TwoTower, objective: Objective) -> None:
        super().__init__()
        self.towers, self.objective = towers, ObjectiveModule(objective, towers.dimension)

    @property
    def backbone(self) -> TwoTower:
        """The towers."""
        return self.towers

    def own_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The objective's."""
        return self.objective.parameter_groups()

    def save(self, folder: Path) -> None:
        """Write towers/ and, where the objective has parameters, objective.safetensors."""
        self.towers.save(folder / "towers")
        own = {name: value.detach().cpu().contiguous() for name, value in self.objective.state_dict().items()}
        if own:
            save_file(own, folder / OBJECTIVE)

    def forward(self, inputs: Inputs, step: int) -> dict[str, Tensor]:
        """The weighted sum of each loss over this process's queries. Only the encoders run in reduced precision."""
        queries, passages = self.encode("query", inputs["queries"]), self.encode("passage", inputs["passages"])
        passages = gathered(passages, inputs["passage_counts"])
        decoded = inputs["passages"].get("decoded")
        if decoded is not None:
            decoded = gathered(decoded[: inputs["passages"]["kept"]], inputs["passage_counts"])
        everyone = None
        if "everyone" in inputs:
            others = inputs["everyone"]
            everyone = Everyone(gathered(queries, others["counts"]), others["own"], others["shared"])
        with torch.autocast(queries.device.type, enabled=False):
            roles = Roles(**inputs["roles"])
            batch = Batch(queries, passages, inputs["positives"], inputs["masked"], step, roles, everyone, decoded)
            losses = self.objective(batch)
        return {name: values.sum() * inputs["weight"] for name, values in losses.items()}

    def encode(self, side: Side, inputs: Texts) -> Tensor:
        """The vectors of the texts that count."""
        if "vectors" in inputs:
            return inputs["vectors"][: inputs["kept"]]
        ids, mask, types = inputs["input_ids"], inputs["attention_mask"], inputs.get("token_type_ids")
        if ids.device.type != "cpu":
            return self.towers.encode(side, ids, mask, types)[: inputs["kept"]]
        order = mask.sum(dim=1).argsort(descending=True, stable=True)
        encoded = [
            self.towers.encode(side, *trimmed(ids[part], mask[part], None if types is None else types[part]))
            for part in order.split(ROWS)
        ]
        return torch.cat(encoded)[order.argsort()][: inputs["kept"]]


@dataclass(frozen=True, kw_only=True)
class EncoderTraining(Training):
    """Towers are trained from `start` with an objective.

    queries, passages: the texts of the train queries and of the corpus; passages that are frozen are not encoded, and
    the query tower alone is trained. spared: of each query, the passages that are never its negatives. state:
    parameters that the objective starts from, by name. gathered: queries are scored against the passages of all
    processes, otherwise against those of their own.
    """

    name: ClassVar[str] = "training"
    too_large: ClassVar[str] = (
        "raise train.gradient_accumulation, which works each batch in more parts, or lower train.batch_size or "
        "encoder.max_passage_length"
    )

    start: Checkpoint
    objective: Objective
    queries: Tokens
    passages: Tokens | FrozenPassages
    spared: Ragged
    state: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    gathered: bool = True

    def build(self) -> tuple[TrainableEncoder, Collate]:
        towers = self.start.towers(self.settings.dropout)
        model = TrainableEncoder(towers, self.objective)
        model.objective.start_from(self.state)
        if isinstance(self.passages, FrozenPassages) and towers.passage is not towers.query:
            towers.passage.requires_grad_(False)
        return model, Collate(
            self.queries,
            self.passages,
            self.spared,
            towers.pad_id,
            processes.rank(),
            processes.world_size(),
            self.gathered,
            towers.segments("passage"),
            self.objective.crosses_queries,
        )

    @property
    def workers(self) -> int:
        """None for frozen passages, whose files a worker would have to open again."""
        return 0 if isinstance(self.passages, FrozenPassages) else super().workers


def trimmed(ids: Tensor, mask: Tensor, types: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Token ids, mask and types (or None) [B, L] without the columns that are padding in every row."""
    longest = int(mask.sum(dim=1).max())
    return ids[:, :longest], mask[:, :longest], None if types is None else types[:, :longest]
