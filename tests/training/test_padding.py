"""Texts of about one length are encoded together: the vectors are those of the whole batch, in its order."""

import torch

from labrador.encoders.tiny import Tiny
from labrador.losses.contrastive import Contrastive
from labrador.training.model import ROWS, TrainingModel


def test_rows_come_back_in_their_order_with_the_vectors_of_the_whole_batch():
    towers = Tiny(pooling="mean").build().eval()
    count = 2 * ROWS * torch.get_num_threads() + 3
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 30, (count,), generator=generator)
    ids = torch.randint(5, 900, (count, 30), generator=generator)
    mask = (torch.arange(30) < lengths[:, None]).long()
    widths = []
    towers.passage.register_forward_pre_hook(lambda module, inputs: widths.append(inputs[0].shape[1]))
    model = TrainingModel(towers, Contrastive().build(towers.dimension))
    vectors = model._encode("passage", {"input_ids": ids, "attention_mask": mask, "kept": count - 1})
    assert widths[0] == lengths.max()
    assert sorted(widths, reverse=True) == widths
    assert widths[-1] < widths[0]
    torch.testing.assert_close(vectors, towers.encode("passage", ids, mask)[: count - 1], rtol=1e-4, atol=1e-5)
