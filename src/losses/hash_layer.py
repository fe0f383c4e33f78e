"""The trainable form of the hashing objective: a linear layer before the signs, and both losses."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .base import Batch
from .binary import beta, margin_ranking, scaled_tanh, sign, straight_through
from .contrastive import info_nce
from .module import ObjectiveModule

if TYPE_CHECKING:
    from .hashing import Hashing


class HashingModule(ObjectiveModule):
    """Losses "candidates", "rerank" and "dense" of `Hashing`; with a layer, W starts as the identity.

    With other bits than dimensions W starts with random orthonormal rows (or columns), which is LSH.
    """

    def __init__(self, objective: "Hashing", dimension: int) -> None:
        super().__init__()
        self.objective = objective
        bits = objective.bits or dimension
        self.layer: nn.Linear | None = None
        if objective.layer:
            self.layer = nn.Linear(dimension, bits, bias=False)
            (nn.init.eye_ if bits == dimension else nn.init.orthogonal_)(self.layer.weight)
        self.length = dimension**0.5 if objective.normalized else 1.0  # of the vectors that are hashed
        self.code_scale = 1 / bits if objective.normalized else 1.0  # of <h(q), h(p)>
        self.query_scale = (dimension * bits) ** -0.5 if objective.normalized else 1.0  # of <y(q), h(p)>

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        objective = self.objective
        queries, passages = self._hashed(batch.queries), self._hashed(batch.passages)
        codes = self._relaxed(passages, batch.step)
        losses = {}
        if objective.candidate_loss != "none":
            query_codes = self._relaxed(queries, batch.step) * self.code_scale
            if objective.candidate_loss == "margin":
                scores = query_codes @ codes.T
                hinges = margin_ranking(scores, batch.positives, batch.masked, objective.alpha)
                losses["candidates"] = hinges / objective.temperature
            else:
                losses["candidates"] = self._cross_entropy(query_codes, codes, batch)
        if objective.rerank_loss != "none":
            losses["rerank"] = self._cross_entropy(queries * self.query_scale, codes, batch)
        if objective.dense_loss != "none":
            losses["dense"] = self._cross_entropy(batch.queries, batch.passages, batch)
        return {"loss": torch.stack(list(losses.values())).sum(dim=0), **losses}

    def ranked(self, queries: Tensor, passages: Tensor) -> tuple[Tensor, Tensor]:
        """The rerank's: continuous queries by the codes of passages, <y(q), h(p)>."""
        return self._hashed(queries), sign(self._hashed(passages))

    def _hashed(self, vectors: Tensor) -> Tensor:
        """y [N, bits] of encoder vectors [N, D]."""
        scaled = vectors * self.length
        return scaled if self.layer is None else self.layer(scaled)

    def _relaxed(self, y: Tensor, step: int) -> Tensor:
        if self.objective.relaxation == "straight_through":
            return straight_through(y)
        return scaled_tanh(y, beta(step, self.objective.gamma))

    def _cross_entropy(self, queries: Tensor, codes: Tensor, batch: Batch) -> Tensor:
        return info_nce(queries, codes, batch.positives, batch.masked, self.objective.temperature)

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The layer has its own learning rate and no decay."""
        if self.layer is None:
            return []
        return [{"params": list(self.parameters()), "lr": self.objective.layer_learning_rate, "weight_decay": 0.0}]
