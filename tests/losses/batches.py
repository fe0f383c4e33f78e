"""Batches as one process sees them that has all their queries: what the losses' tests are given."""

import torch
from torch import Tensor

from labrador.losses.base import Batch, Everyone, Roles


def alone(
    queries: Tensor,
    passages: Tensor,
    positives: list[int] | Tensor,
    masked: Tensor | None = None,
    step: int = 0,
    drawn: list[int] | None = None,
    lexical: list[int] | None = None,
    decoded: Tensor | None = None,
) -> Batch:
    """A batch of these vectors: the hard negatives are the places `drawn`, by default all that are no positives.

    `masked` are the other positives of each query, which say also of which other queries a positive is one.
    """
    places = torch.as_tensor(positives)
    if masked is None:
        masked = torch.zeros(len(queries), len(passages), dtype=torch.bool)
    positive = marked(len(passages), places)
    hard = ~positive if drawn is None else marked(len(passages), drawn)
    roles = Roles(positive, hard, marked(len(passages), lexical or []))
    relevant = masked.clone()
    relevant[torch.arange(len(queries)), places] = True
    shared = relevant[:, places].T & ~torch.eye(len(queries), dtype=torch.bool)
    everyone = Everyone(queries, torch.arange(len(queries)), shared)
    return Batch(queries, passages, places, masked, step, roles, everyone, decoded)


def marked(size: int, places: list[int] | Tensor) -> Tensor:
    """bool [size], true at these places."""
    marks = torch.zeros(size, dtype=torch.bool)
    marks[torch.as_tensor(places, dtype=torch.int64)] = True
    return marks
