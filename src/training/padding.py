"""On a CPU, rows of similar length are processed together: little padding, small buffers."""

from collections.abc import Callable

import torch
from torch import Tensor

ROWS = 8  # processed together; this also decides what dropout draws

Work = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # ids, mask and types (or None) [b, l] -> [b, ...]


def by_length(work: Work, ids: Tensor, mask: Tensor, types: Tensor | None) -> Tensor:
    """What `work` makes of token ids, mask and types [B, L]: on a CPU a few rows at a time, on a GPU all at once."""
    if ids.device.type != "cpu":
        return work(ids, mask, types)
    lengths = mask.sum(dim=1)
    order = lengths.argsort(descending=True, stable=True)
    parts = []
    for rows in order.split(ROWS):
        longest = int(lengths[rows[0]])
        kept = None if types is None else types[rows, :longest]
        parts.append(work(ids[rows, :longest], mask[rows, :longest], kept))
    return torch.cat(parts)[order.argsort()]
