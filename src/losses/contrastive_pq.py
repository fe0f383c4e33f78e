"""BiDR's sparse objective: the query stays dense, the passage is product-quantized (Xiao et al., WWW 2022).

Imports no torch.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..errors import LabradorError
from .base import Objective

if TYPE_CHECKING:
    from .module import ObjectiveModule

ROTATION, SKEW, CODEBOOKS = "rotation", "skew", "codebooks"  # names in a saved state


@dataclass(frozen=True)
class ContrastivePQ(Objective):
    """InfoNCE of <e(q), e(p)> + InfoNCE of <R e(q), C(p)> + reconstruction ||R e(p) - C(p)||^2,
    the last of positives and of hard negatives, the mean of each.

    C(p) has the nearest of `centroids` words in place of each of the `codebooks` sub-vectors of R e(p). Rotation and
    codebooks are meant to start from a fitted quantizer's; without one R is the identity and the words are random.
    """

    version: ClassVar[int] = 2  # 1: the quantization error of positives alone

    codebooks: int  # M
    centroids: int = 256  # words of a codebook
    temperature: float = 1.0  # the products of both InfoNCE losses are divided by it
    sharpness: float = 1.0  # of the soft assignment: squared distances are multiplied by it
    reconstruction: float = 0.0  # weight w of the quantization error
    train_rotation: bool = False  # whether R is trained, too
    layer_learning_rate: float = 3e-4  # of the codebooks at its peak; the rotation has a tenth of it

    def __post_init__(self) -> None:
        for name in ("temperature", "sharpness", "layer_learning_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise LabradorError(
                    f"{name}={getattr(self, name)}: a number above 0 was expected, and a finite one; raise it"
                )
        if not 0 <= self.reconstruction < math.inf:
            raise LabradorError(f"reconstruction={self.reconstruction}: 0 or more was expected; raise it")

    def build(self, dimension: int) -> "ObjectiveModule":
        from .pq_layer import ContrastivePQModule

        return ContrastivePQModule(self, dimension)
