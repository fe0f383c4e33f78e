"""BiDR's unified query: one query encoder for both stages (Xiao et al., WWW 2022). Imports no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Batch
from .contrastive import Contrastive, info_nce

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class UnifiedQuery(Contrastive):
    """InfoNCE against what the passages' codes stand for + InfoNCE against their dense vectors.

    Passages come as [P, 2 D], a decoded code and a dense vector side by side; both stay as they are.
    """

    def losses(self, batch: Batch) -> dict[str, "Tensor"]:
        """The losses [B] of a batch: "sparse", "dense" and their sum."""
        sparse, dense = batch.passages.chunk(2, dim=1)
        shared = batch.positives, batch.masked, self.temperature
        losses = {"sparse": info_nce(batch.queries, sparse, *shared), "dense": info_nce(batch.queries, dense, *shared)}
        return {"loss": losses["sparse"] + losses["dense"], **losses}
