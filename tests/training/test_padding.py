"""Texts of about one length are worked together: the vectors equal those of the whole batch, in its order."""

import torch

from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers
from labrador.losses.contrastive import Contrastive
from labrador.training.encoder import TrainableEncoder
from labrador.training.padding import ROWS


def test_rows_come_back_in_their_order_with_the_vectors_of_the_whole_batch():
    towers = load_towers(Tiny(pooling="mean")).eval()
    count = 2 * ROWS + 3
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 30, (count,), generator=generator)
    ids = torch.randint(5, 900, (count, 30), generator=generator)
    mask = (torch.arange(30) < lengths[:, None]).long()
    widths = []
    towers.passage.register_forward_pre_hook(lambda module, inputs: widths.append(inputs[0].shape[1]))
    model = TrainableEncoder(towers, Contrastive())
    vectors = model.encode("passage", {"input_ids": ids, "attention_mask": mask, "kept": count - 1})
    assert widths[0] == lengths.max()
    assert sorted(widths, reverse=True) == widths
    assert widths[-1] < widths[0]
    torch.testing.assert_close(vectors, towers.encode("passage", ids, mask)[: count - 1], rtol=1e-4, atol=1e-5)


def test_dropout_does_not_depend_on_the_number_of_threads():
    towers = load_towers(Tiny(pooling="mean"), dropout=0.3).train()
    model = TrainableEncoder(towers, Contrastive())
    ids = torch.arange(5, 5 + 40 * 12).reshape(40, 12) % 900 + 5
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "kept": 40}
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            found.append(model.encode("passage", inputs))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
