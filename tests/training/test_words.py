"""Word vectors looked up once for several parts of a batch: what a model gives, and learns, stays what it was."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from labrador.training.words import looked_up_once

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
}
IDS = torch.tensor([[7, 3, 9, 3], [4, 7, 1, 1], [49, 3, 2, 1]])
MASK = (IDS != 1).long()
PARTS = ([0, 1], [2])


@pytest.fixture(params=["bert", "roberta", "electra", "ernie", "albert", "mpnet", "modernbert", "gemma3_text"])
def model(request):
    torch.manual_seed(0)
    config = AutoConfig.for_model(request.param, **SMALL, pad_token_id=1)
    return AutoModel.from_config(config, attn_implementation="eager").eval()


def learned(model):
    """The states of all parts and the gradients of a loss over them."""
    states = [model(input_ids=IDS[rows], attention_mask=MASK[rows]).last_hidden_state for rows in PARTS]
    states = torch.cat([state * MASK[rows].unsqueeze(-1) for state, rows in zip(states, PARTS, strict=True)])
    states.square().mean().backward()
    gradients = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    return {"states": states.detach(), **gradients}


def test_states_and_gradients_are_those_of_looking_up_each_part(model):
    usual = learned(model)
    with looked_up_once(model, IDS):
        once = learned(model)
    assert once.keys() == usual.keys()
    for name, expected in usual.items():
        torch.testing.assert_close(once[name], expected, msg=lambda text, name=name: f"{name}: {text}")
    assert any(gradient.abs().max() > 0 for name, gradient in usual.items() if "mbed" in name)
    assert all(torch.equal(again, usual[name]) for name, again in learned(model).items())  # as before, afterwards


def test_the_word_table_is_read_once_and_after_a_fault_as_before(monkeypatch):
    config = AutoConfig.for_model("bert", **SMALL)
    model = AutoModel.from_config(config, attn_implementation="eager").eval()
    table, read = model.get_input_embeddings(), []
    usual = type(table).forward
    monkeypatch.setattr(type(table), "forward", lambda self, ids: read.append(ids) or usual(self, ids))

    def encode(parts):
        with looked_up_once(model, IDS):
            for rows in parts:
                model(input_ids=IDS[rows], attention_mask=MASK[rows])

    with pytest.raises(IndexError):
        encode([*PARTS, [3]])
    by_word = [ids for ids in read if 49 in ids]  # the other tables, of places and of types, have no such row
    assert [ids.tolist() for ids in by_word] == [IDS.unique().tolist()]
    model(input_ids=IDS, attention_mask=MASK)
    assert [ids.shape for ids in read if 49 in ids] == [IDS.unique().shape, IDS.shape]
