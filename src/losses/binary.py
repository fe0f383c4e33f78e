"""What learning binary codes needs: relaxed signs and the two losses of BPR, as pure functions of tensors.

The sign of 0 is +1, here, in stored codes (quantizers/binary.py) and in searches. Yamada, Asai and Hajishirzi,
"Efficient Passage Retrieval with Hashing for Open-domain Question Answering", ACL 2021; the tanh is HashNet's (Cao et
al., ICCV 2017).
"""

from typing import Any

import torch
from torch import Tensor


def beta(step: int, gamma: float) -> float:
    """The sharpness sqrt(1 + gamma step) of the tanh after `step` optimizer steps: 1 at the start."""
    return float((1.0 + gamma * step) ** 0.5)


def scaled_tanh(x: Tensor, sharpness: float) -> Tensor:
    """tanh(sharpness x), the relaxed sign of every number of `x`."""
    return torch.tanh(sharpness * x)


def sign(x: Tensor) -> Tensor:
    """+1 where a number of `x` is 0 or above, else -1; no gradient."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def straight_through(x: Tensor) -> Tensor:
    """The sign of `x`, with the gradient of tanh(x) (Bengio et al., 2013; as BPR's code has it: `--use_ste`).

    Its tanh does not sharpen: beta is 1 at every step.
    """
    soft = torch.tanh(x)
    return sign(x) + (soft - soft.detach())


def margin_ranking(scores: Tensor, positives: Tensor, masked: Tensor, margin: float) -> Tensor:
    """The mean over a query's negatives of max(0, -(positive's score - negative's score) + margin), [B].

    scores [B, P]; positives [B] int64, the column of each query's positive; masked [B, P] bool, columns that are not
    negatives of the query (its other positives). A query without negatives has the loss 0. BPR, equation 5.
    """
    losses: Tensor = _MarginRanking.apply(scores, positives, masked, margin)
    return losses


class _MarginRanking(torch.autograd.Function):
    """Holds one tensor of the scores' shape: the hinges going forward, whose signs are the gradient."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, positives: Tensor, masked: Tensor, margin: float) -> Tensor:
        columns = positives[:, None]
        hinges = scores - (scores.gather(1, columns) - margin)
        hinges.masked_fill_(masked, 0.0).scatter_(1, columns, 0.0).clamp_min_(0.0)
        negatives = (scores.shape[1] - 1 - masked.sum(dim=1)).clamp_min_(1)
        ctx.save_for_backward(hinges, columns, negatives)
        return hinges.sum(dim=1) / negatives

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        hinges, columns, negatives = ctx.saved_tensors
        slopes = hinges.sign().mul_((gradients[0] / negatives)[:, None])
        return slopes.scatter_(1, columns, -slopes.sum(dim=1, keepdim=True)), None, None, None
