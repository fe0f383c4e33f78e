"""What learning product quantization needs: the layer that puts words in place of vectors, as pure functions.

Xiao et al., "Progressively Optimized Bi-Granular Document Representation for Scalable Embedding Based Retrieval",
WWW 2022 (BiDR), section 3.2; hard forward and soft backward is differentiable product quantization (Chen, Li and Sun,
ICML 2020).
"""

import torch
from torch import Tensor


def distances(z: Tensor, codebooks: Tensor) -> Tensor:
    """Squared distances [P, M, K] of the M sub-vectors of every vector of `z` [P, M d] to the words [M, K, d]."""
    books, _, width = codebooks.shape
    parts = z.view(len(z), books, width)
    products = torch.einsum("pmd,mkd->pmk", parts, codebooks)
    return parts.square().sum(dim=2, keepdim=True) - 2 * products + codebooks.square().sum(dim=2)


def quantize(z: Tensor, codebooks: Tensor, sharpness: float = 1.0) -> Tensor:
    """Vectors `z` [P, M d] with the nearest word of codebooks [M, K, d] for each of their M sub-vectors: [P, M d].

    Forward each sub-vector is one word, exactly. Backward it is the mean of the words weighed by the softmax of
    -sharpness ||z_i - C_ij||^2, so that the gradient reaches `z` as well as the words.
    """
    away = distances(z, codebooks)
    nearest = away.argmin(dim=2)
    words = codebooks[torch.arange(len(codebooks), device=z.device), nearest]  # [P, M, d]
    soft = (-sharpness * away).softmax(dim=2)
    drift = torch.einsum("pmk,mkd->pmd", soft - soft.detach(), codebooks.detach())  # zero, with a gradient
    return (words + drift).reshape(z.shape)


def turned(base: Tensor, skew: Tensor) -> Tensor:
    """The rotation base (I + A)^-1 (I - A), A = (skew - skew^T) / 2: `base` [D, D] where `skew` [D, D] is zero.

    Cayley's transform: orthogonal for every `skew`, so that a rotation stays one while it is trained.
    """
    half = (skew - skew.T) / 2
    identity = torch.eye(len(base), dtype=base.dtype, device=base.device)
    rotation: Tensor = base @ torch.linalg.solve(identity + half, identity - half)
    return rotation
