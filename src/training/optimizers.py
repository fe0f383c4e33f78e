"""The optimizers of `train.optimizer`."""

import math
from typing import Any

import torch


def make_optimizer(
    name: str, backbone: list[dict[str, Any]], own: list[dict[str, Any]], rate: float
) -> torch.optim.Optimizer:
    """The optimizer `name` over the backbone's parameter groups and the model's own groups.

    "adamw": Loshchilov and Hutter, ICLR 2019. "lamb": You et al., "Large Batch Optimization for Deep Learning:
    Training BERT in 76 minutes", ICLR 2020, algorithm 2: each tensor of the backbone moves in Adam's direction, decay
    included, by its group's rate times its own norm. The groups in `own` have rates made for Adam and are not scaled by
    their norms.
    """
    if name == "adamw":
        return torch.optim.AdamW(backbone + own, lr=rate, fused=True)  # one pass over each tensor
    from pytorch_optimizer import Lamb

    groups = backbone + [{**group, "adam": True} for group in own]
    # weight_decouple=False adds the decay before the step is scaled; adam_debias=True skips dividing the scaled step by
    # 1 - beta1^t, which would make the first step ten times too large.
    lamb: Any = Lamb(groups, lr=rate, weight_decouple=False, adam_debias=True)
    lamb.clamp = math.inf  # norms are not clamped, as in the authors' code; the library has no argument for it, only 10
    optimizer: torch.optim.Optimizer = lamb
    return optimizer
