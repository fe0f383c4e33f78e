"""The word vectors of a batch, looked up once for all the parts that it is encoded in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from transformers import PreTrainedModel


@contextmanager
def looked_up_once(module: nn.Module, ids: Tensor) -> Iterator[None]:
    """Let the transformers model of a module find the word vectors of these token ids, and only of these, among rows
    that are taken once.

    Each look-up in the word table has a gradient as large as the table (47 MB for MiniLM). On a CPU, where a batch is
    encoded a few texts at a time, a step is a tenth faster with one look-up (benchmarks/words.py). The vectors and
    gradients are the same.
    """
    model = next((part for part in module.modules() if isinstance(part, PreTrainedModel)), None)
    if model is None:  # a module of another make
        yield
        return
    table: Any = model.get_input_embeddings()
    known = ids.unique()
    rows = table(known)
    table.forward = lambda part: embedding(torch.searchsorted(known, part.contiguous()), rows)
    try:
        yield
    finally:
        del table.forward  # the class's own is there again
