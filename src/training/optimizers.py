"""What turns gradients into steps: the optimizers of `train.optimizer`."""

import math
from typing import Any

import torch


def make_optimizer(
    name: str, backbone: list[dict[str, Any]], own: list[dict[str, Any]], rate: float
) -> torch.optim.Optimizer:
    """The optimizer `name` of TrainSettings over the backbone's groups and the groups with rates of their own.

    "adamw": Loshchilov and Hutter, ICLR 2019. "lamb": You et al., "Large Batch Optimization for Deep Learning:
    Training BERT in 76 minutes", ICLR 2020, algorithm 2: each tensor of the backbone moves by its group's rate times
    its own norm, in Adam's direction with the decay in it, so that a batch of thousands can take large steps. The
    groups of `own` have rates made for Adam and are not scaled by their norms.
    """
    if name == "adamw":
        return torch.optim.AdamW(backbone + own, lr=rate, fused=True)  # one pass over each tensor
    from pytorch_optimizer import Lamb

    groups = backbone + [{**group, "adam": True} for group in own]
    # weight_decouple=False adds the decay to the step before it is scaled; adam_debias=True leaves out a division of
    # the scaled step by 1 - beta1^t, which would make the first step ten times the rate.
    optimizer: Any = Lamb(groups, lr=rate, weight_decouple=False, adam_debias=True)
    optimizer.clamp = math.inf  # the greatest norm that counts: all do, as in the authors' code; the library's is 10
    return optimizer
