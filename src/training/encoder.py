"""Training an encoder: its towers and an objective on their vectors, over all processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import pad

from ..arrays.ragged import Ragged
from ..encoders.checkpoint import OBJECTIVE, TOWERS, Checkpoint
from ..encoders.tokens import Tokens
from ..encoders.towers import Side, TwoTower
from ..losses.base import Batch, Everyone, Objective, Roles
from ..losses.module import ObjectiveModule
from ..machine import processes
from .base import Trainable, Training
from .batches import Collate, Inputs, Texts
from .frozen import FrozenPassages
from .padding import by_length


class GatherRows(torch.autograd.Function):
    """Rows [n, D] of every process in rank order, [N, D]; gradients flow back to the process that gave the rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: Sequence[int]) -> Tensor:
        """counts: how many rows each process has; only the buffers are padded to one size."""
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
    """The rows [n, D] of all processes, given how many each has; with a single count, this process's own rows."""
    if len(counts) == 1:
        return rows
    result: Tensor = GatherRows.apply(rows, counts)  # type: ignore[no-untyped-call]
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
        self.towers.save(folder / TOWERS)
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
        encode = partial(self.towers.encode, side)
        vectors = by_length(encode, inputs["input_ids"], inputs["attention_mask"], inputs.get("token_type_ids"))
        return vectors[: inputs["kept"]]


@dataclass(frozen=True, kw_only=True)
class EncoderTraining(Training):
    """Trains the towers of `start` with an objective.

    queries, passages: token ids of the train queries and of the corpus; frozen passages are not encoded, and only the
    query tower is trained. spared: the passages that are never negatives of each query. state: parameters that the
    objective starts from, by name. gathered: whether queries are scored against the passages of all processes or only
    of their own.
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
            queries=self.queries,
            passages=self.passages,
            positives=self.spared,
            pad_id=towers.pad_id,
            rank=processes.rank(),
            world=processes.world_size(),
            gathered=self.gathered,
            segments=towers.segments("passage"),
            crosses_queries=self.objective.crosses_queries,
        )

    @property
    def workers(self) -> int:
        """None for frozen passages: every worker would have to open their files again."""
        return 0 if isinstance(self.passages, FrozenPassages) else super().workers
