"""BiDR's unified query: one query encoder for both stages (Xiao et al., WWW 2022). Imports no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .base import Batch
from .contrastive import Contrastive, info_nce

if TYPE_CHECKING:
    from torch import Tensor

    from .module import ObjectiveModule


@dataclass(frozen=True)
class UnifiedQuery(Contrastive):
    """InfoNCE against what the passages' codes stand for + InfoNCE against their dense vectors.

    Passages come as [P, 2 D], a decoded code and a dense vector side by side; both stay as they are. Positives are in
    both terms; each has the hard negatives of its own stage: the sparse one those found by words (`Example.lexical`),
    the dense one those that the sampler drew.
    """

    version: ClassVar[int] = 2  # 1: both terms had the same hard negatives

    def losses(self, batch: Batch) -> dict[str, "Tensor"]:
        """The losses [B] of a batch: "sparse", "dense" and their sum."""
        sparse, dense = batch.passages.chunk(2, dim=1)
        losses = {
            "sparse": self._term(batch, sparse, batch.roles.lexical),
            "dense": self._term(batch, dense, batch.roles.drawn),
        }
        return {"loss": losses["sparse"] + losses["dense"], **losses}

    def build(self, dimension: int) -> "ObjectiveModule":
        from .module import Stateless

        return Stateless(self.losses, ranked=lambda queries, passages: (queries.repeat(1, 2), passages))

    def _term(self, batch: Batch, passages: "Tensor", negatives: "Tensor") -> "Tensor":
        """InfoNCE against the positives of the batch and its `negatives`, bool [P], alone."""
        masked = batch.masked | ~(batch.roles.positive | negatives)
        return info_nce(batch.queries, passages, batch.positives, masked, self.temperature)
