"""Attention in trainings on a CPU: written out, it is the same attention."""

import torch
from transformers import PreTrainedModel

from labrador.encoders.tiny import Tiny
from labrador.training.encoder import write_out_attention


def test_written_out_it_gives_the_same_vectors():
    towers = Tiny(pooling="mean").build().eval()
    models = [module for module in towers.modules() if isinstance(module, PreTrainedModel)]
    ids = torch.randint(5, 50, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    before = towers.encode("passage", ids, mask)
    assert {model.config._attn_implementation for model in models} == {"sdpa"}
    write_out_attention(towers)
    assert {model.config._attn_implementation for model in models} == {"eager"}
    torch.testing.assert_close(towers.encode("passage", ids, mask), before, rtol=1e-5, atol=1e-6)
