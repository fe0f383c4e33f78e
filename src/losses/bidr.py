"""BiDR's losses: the query stays dense, the passage is product-quantized; then one query for both stages.

Xiao et al., "Progressively Optimized Bi-Granular Document Representation for Scalable Embedding Based Retrieval",
WWW 2022, section 3.2; hard forward and soft backward is differentiable product quantization (Chen, Li and Sun, ICML
2020).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from ..settings import component, setting
from .base import Batch, Objective, Parameter, State
from .contrastive import TEMPERATURE, Contrastive, info_nce

if TYPE_CHECKING:
    from torch import Tensor

ROTATION, SKEW, CODEBOOKS = "rotation", "skew", "codebooks"  # names in a saved state
SHARPNESS = 8.0  # times the codebooks: of the soft assignment, where the encoder normalises
RECONSTRUCTION = 1e-6  # weight of the quantization error where codewords do not start from OPQ's
ROTATION_RATE = 0.1  # the learning rate of the rotation, as a share of the codebooks'


def distances(z: "Tensor", codebooks: "Tensor") -> "Tensor":
    """Squared distances [P, M, K] of the M sub-vectors of every vector of `z` [P, M d] to the codewords [M, K, d]."""
    import torch

    parts = z.view(len(z), len(codebooks), codebooks.shape[2])
    products = torch.einsum("pmd,mkd->pmk", parts, codebooks)
    return parts.square().sum(dim=2, keepdim=True) - 2 * products + codebooks.square().sum(dim=2)


def quantize(z: "Tensor", codebooks: "Tensor", sharpness: float = 1.0) -> "Tensor":
    """Vectors `z` [P, M d] with the nearest codeword of codebooks [M, K, d] for each of their M sub-vectors: [P, M d].

    Forward each sub-vector is one codeword, exactly. Backward it is the mean of the codewords weighed by the softmax of
    -sharpness ||z_i - C_ij||^2, so that the gradient reaches `z` as well as the codewords.
    """
    import torch

    away = distances(z, codebooks)
    codes = away.argmin(dim=2)
    codewords = codebooks[torch.arange(len(codebooks), device=z.device), codes]  # [P, M, d]
    soft = (-sharpness * away).softmax(dim=2)
    drift = torch.einsum("pmk,mkd->pmd", soft - soft.detach(), codebooks.detach())  # zero, with a gradient
    return (codewords + drift).reshape(z.shape)


def turned(base: "Tensor", skew: "Tensor") -> "Tensor":
    """The rotation base (I + A)^-1 (I - A), A = (skew - skew^T) / 2: `base` [D, D] where `skew` [D, D] is zero.

    Cayley's transform: orthogonal for every `skew`, so that a rotation stays one while it is trained.
    """
    import torch

    half = (skew - skew.T) / 2
    identity = torch.eye(len(base), dtype=base.dtype, device=base.device)
    rotation: Tensor = base @ torch.linalg.solve(identity + half, identity - half)
    return rotation


def usual_codebooks(dimension: int) -> int:
    """One codebook for every 8 dimensions: 96 for 768, as in the paper.

    A dimension that is no multiple of 8 has the next smaller number that divides it.
    """
    return next((count for count in range(dimension // 8, 1, -1) if dimension % count == 0), 1)


@component
class BiDRLoss(Objective):
    """InfoNCE of <e(q), e(p)> + InfoNCE of <R e(q), C(p)> + reconstruction ||R e(p) - C(p)||^2,
    the last of positives and of hard negatives, the mean of each.

    C(p) has the nearest of `centroids` codewords in place of each of the `codebooks` sub-vectors of R e(p). Rotation
    and codebooks are meant to start from a fitted quantizer's; without one R is the identity and the codewords are
    random.
    """

    version: ClassVar[int] = 2  # 1: the quantization error of positives alone

    codebooks: int | None = setting(
        None, "sub-spaces (M), one byte each with 256 centroids; null: one per 8 dimensions", ge=1
    )
    centroids: int = setting(256, "codewords per codebook, a power of two", ge=2, le=256)
    temperature: float = setting(1.0, TEMPERATURE, gt=0)
    sharpness: float | None = setting(
        None, "sharpness of the soft assignment; null: 8 per codebook if the encoder normalises, else 1", gt=0
    )
    reconstruction: float | None = setting(
        None, "weight of the quantization error; null: 0 if codewords start from OPQ's, else 1e-6", ge=0
    )
    train_rotation: bool = setting(False, "train the rotation too")
    layer_learning_rate: float = setting(
        1e-3, "peak learning rate of the codewords; the rotation has a tenth of it", gt=0
    )

    def resolved(self, dimension: int, normalized: bool, opq: bool) -> "BiDRLoss":
        """These settings for vectors [N, dimension], which may have length 1, and codewords that may start from OPQ's.

        With vectors of length 1, sub-vectors then have the mean squared length 8.
        """
        codebooks = self.codebooks or usual_codebooks(dimension)
        sharpness = SHARPNESS * codebooks if normalized else 1.0
        return replace(
            self,
            codebooks=codebooks,
            sharpness=sharpness if self.sharpness is None else self.sharpness,
            reconstruction=(0.0 if opq else RECONSTRUCTION) if self.reconstruction is None else self.reconstruction,
        )

    def parameters(self, dimension: int) -> dict[str, Parameter]:
        """The rotation [D, D], the skew [D, D] by which training turns it, and the codebooks [M, K, D / M]."""
        import torch

        rate, count = self.layer_learning_rate, self.codebooks or usual_codebooks(dimension)
        codewords = torch.randn(count, self.centroids, dimension // count)
        return {
            ROTATION: Parameter(torch.eye(dimension), 0.0),
            CODEBOOKS: Parameter(codewords * (1 / (self.sharpness or 1.0)) ** 0.5, rate),
            SKEW: Parameter(torch.zeros(dimension, dimension), ROTATION_RATE * rate if self.train_rotation else 0.0),
        }

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        """Losses "dense", "sparse" and, where it has a weight, "reconstruction".

        The last is, as in BiDR's code, the mean over the positives plus the mean over the batch's hard negatives.
        """
        rotation = turned(state[ROTATION], state[SKEW]) if self.train_rotation else state[ROTATION]
        queries, passages = batch.queries @ rotation.T, batch.passages @ rotation.T
        coded = quantize(passages, state[CODEBOOKS], self.sharpness or 1.0)
        losses = {
            "dense": info_nce(batch.queries, batch.passages, batch.positives, batch.masked, self.temperature),
            "sparse": info_nce(queries, coded, batch.positives, batch.masked, self.temperature),
        }
        loss = losses["dense"] + losses["sparse"]
        if self.reconstruction:
            errors = (passages - coded).square().sum(dim=1)
            drawn = batch.roles.drawn.to(errors.dtype)
            losses["reconstruction"] = errors[batch.positives] + (errors * drawn).sum() / drawn.sum().clamp(min=1)
            loss = loss + self.reconstruction * losses["reconstruction"]
        return {"loss": loss, **losses}

    def ranked(self, queries: "Tensor", passages: "Tensor", state: State) -> tuple["Tensor", "Tensor"]:
        """As the search does: dense queries by the codewords of passages, <R e(q), C(p)>."""
        rotation = turned(state[ROTATION], state[SKEW])
        return queries @ rotation.T, quantize(passages @ rotation.T, state[CODEBOOKS])


@component
class UnifiedQueryLoss(Contrastive):
    """InfoNCE against what the passages' codes stand for + InfoNCE against their dense vectors.

    Passages stay as they are (`Batch.passages` and `Batch.decoded`). Positives are in both terms; each has the hard
    negatives of its own stage: the sparse one lexical negatives (`Example.lexical`), the dense one those that the
    sampler drew.
    """

    lexical: ClassVar[bool] = True
    version: ClassVar[int] = 2  # 1: both terms had the same hard negatives

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        """Losses "sparse" and "dense"."""
        if batch.decoded is None:
            raise ValueError("a unified query is trained against frozen passages with codes")
        losses = {
            "sparse": self._term(batch, batch.decoded, batch.roles.lexical),
            "dense": self._term(batch, batch.passages, batch.roles.drawn),
        }
        return {"loss": losses["sparse"] + losses["dense"], **losses}

    def _term(self, batch: Batch, passages: "Tensor", negatives: "Tensor") -> "Tensor":
        """InfoNCE against the positives of the batch and its `negatives`, bool [P], alone."""
        masked = batch.masked | ~(batch.roles.positive | negatives)
        return info_nce(batch.queries, passages, batch.positives, masked, self.temperature)
