"""The trainable form of BiDR's sparse objective: a rotation, codebooks, and the losses on what they make."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .base import Batch
from .contrastive import info_nce
from .module import ObjectiveModule
from .product import quantize, turned

if TYPE_CHECKING:
    from .contrastive_pq import ContrastivePQ

ROTATION_RATE = 0.1  # the learning rate of the rotation, as a share of the codebooks'


class ContrastivePQModule(ObjectiveModule):
    """Losses "dense", "sparse" and, where it has a weight, "reconstruction" of `ContrastivePQ`.

    The last is, as in BiDR's code, the mean over the positives plus the mean over the batch's hard negatives.

    Its state: rotation [D, D] (fixed), skew [D, D] (what training turns it by), codebooks [M, K, D / M].
    """

    def __init__(self, objective: "ContrastivePQ", dimension: int) -> None:
        super().__init__()
        self.objective = objective
        books = objective.codebooks
        self.rotation: Tensor
        self.register_buffer("rotation", torch.eye(dimension))
        self.skew = nn.Parameter(torch.zeros(dimension, dimension), requires_grad=objective.train_rotation)
        words = torch.randn(books, objective.centroids, dimension // books) * (1 / objective.sharpness) ** 0.5
        self.codebooks = nn.Parameter(words)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        objective = self.objective
        rotation = turned(self.rotation, self.skew) if objective.train_rotation else self.rotation
        queries, passages = batch.queries @ rotation.T, batch.passages @ rotation.T
        coded = quantize(passages, self.codebooks, objective.sharpness)
        shared = batch.positives, batch.masked, objective.temperature
        losses = {
            "dense": info_nce(batch.queries, batch.passages, *shared),
            "sparse": info_nce(queries, coded, *shared),
        }
        loss = losses["dense"] + losses["sparse"]
        if objective.reconstruction:
            errors = (passages - coded).square().sum(dim=1)
            drawn = batch.roles.drawn.to(errors.dtype)
            losses["reconstruction"] = errors[batch.positives] + (errors * drawn).sum() / drawn.sum().clamp(min=1)
            loss = loss + objective.reconstruction * losses["reconstruction"]
        return {"loss": loss, **losses}

    def ranked(self, queries: Tensor, passages: Tensor) -> tuple[Tensor, Tensor]:
        """The search's: dense queries by the codewords of passages, <R e(q), C(p)>."""
        rotation = turned(self.rotation, self.skew)
        return queries @ rotation.T, quantize(passages @ rotation.T, self.codebooks)

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """Codebooks and rotation have their own learning rates and no decay."""
        rate = self.objective.layer_learning_rate
        groups = [{"params": [self.codebooks], "lr": rate, "weight_decay": 0.0}]
        if self.objective.train_rotation:
            groups.append({"params": [self.skew], "lr": ROTATION_RATE * rate, "weight_decay": 0.0})
        return groups
