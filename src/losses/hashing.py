"""BPR's objective: vectors whose signs rank as their inner products do (Yamada et al., ACL 2021). Imports no torch."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ..errors import LabradorError
from .base import Objective

if TYPE_CHECKING:
    from .module import ObjectiveModule

LAYER = "layer.weight"  # the name of W in a saved state
CandidateLoss = Literal["margin", "cross_entropy", "none"]
RerankLoss = Literal["cross_entropy", "none"]
DenseLoss = Literal["cross_entropy", "none"]
Relaxation = Literal["tanh", "straight_through"]


@dataclass(frozen=True)
class Hashing(Objective):
    """L_cand + L_rerank on codes h(x) = sign(y) of y = W e(x), with W learned or, without a layer, left out.

    L_cand ranks codes by codes, L_rerank codes by the continuous query. `normalized` says that vectors have length 1:
    they are then brought to length sqrt(D), and both products divided by their greatest value, so that `alpha` and
    `temperature` are those of cosines; otherwise the products are the paper's, as they are. The temperature divides
    both losses' products, so that neither drowns the other. `dense_loss` adds the cross entropy of <e(q), e(p)>.
    """

    keeps_best: ClassVar[bool] = True
    version: ClassVar[int] = 2  # 1: straight-through had the slope 1

    layer: bool = True  # whether there is a W, [bits, D]
    bits: int | None = None  # of a code; None: D
    normalized: bool = True
    temperature: float = 0.05  # all products are divided by it, and L_cand's margin with them
    alpha: float = 0.1  # the margin of L_cand
    gamma: float = 0.1  # how fast the tanh sharpens: beta = sqrt(1 + gamma step)
    candidate_loss: CandidateLoss = "margin"
    rerank_loss: RerankLoss = "cross_entropy"
    dense_loss: DenseLoss = "none"
    relaxation: Relaxation = "tanh"
    layer_learning_rate: float = 3e-4  # of W at its peak; the encoder has its own

    def __post_init__(self) -> None:
        for name in ("temperature", "layer_learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise LabradorError(
                    f"{name}={getattr(self, name)}: a number above 0 was expected, and a finite one; raise it"
                )
        for name in ("alpha", "gamma"):
            if not 0 <= getattr(self, name) < math.inf:
                raise LabradorError(f"{name}={getattr(self, name)}: 0 or more was expected, usually 0.1; raise it")
        if self.candidate_loss == self.rerank_loss == "none":
            raise LabradorError(
                "candidate_loss=none with rerank_loss=none: at least one of the two losses was expected; keep one"
            )

    def build(self, dimension: int) -> "ObjectiveModule":
        from .hash_layer import HashingModule

        return HashingModule(self, dimension)
