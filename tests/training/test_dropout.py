"""`train.dropout` reaches every layer that drops numbers."""

import torch

from labrador.encoders.tiny import Tiny
from labrador.training.encoder import set_dropout


def vectors(towers):
    ids = torch.arange(5, 25).reshape(2, 10)
    return towers.encode("passage", ids, torch.ones_like(ids))


def test_without_dropout_training_mode_is_deterministic_and_with_it_is_not():
    towers = Tiny().build().train()
    set_dropout(towers, 0.5)
    assert not torch.equal(vectors(towers), vectors(towers))
    set_dropout(towers, 0.0)
    assert torch.equal(vectors(towers), vectors(towers))
    assert torch.equal(vectors(towers), vectors(towers.eval()))
