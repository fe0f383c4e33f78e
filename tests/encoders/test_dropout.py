"""`train.dropout` reaches every layer that drops numbers."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel

from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.hub import HubEncoder
from labrador.encoders.model_files import with_dropout
from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers

KINDS = ["bert", "roberta", "electra", "ernie", "albert", "distilbert", "mpnet", "deberta-v2", "modernbert", "gpt2"]
FUNCTIONAL = ["longformer", "bart", "t5", "gemma3"]  # with layers that drop by a number of their own, not an nn.Dropout


@pytest.mark.parametrize("kind", [*KINDS, *FUNCTIONAL])
def test_every_layer_of_a_model_takes_the_configurations_share(kind: str):
    before = AutoConfig.for_model(kind)
    with torch.device("meta"):
        model = with_dropout(AutoConfig.for_model(kind), 0.37, AutoModel.from_config)
    assert {name: value for name, value in model.config.to_dict().items() if "drop" in name} == {
        name: value for name, value in before.to_dict().items() if "drop" in name
    }
    text = [part for name, part in model.named_modules() if "vision" not in name]
    shares = {part.p for part in text if isinstance(part, nn.Dropout)}
    shares |= {part.dropout for part in text if isinstance(getattr(part, "dropout", None), float)}
    shares |= {part.attention_dropout for part in text if isinstance(getattr(part, "attention_dropout", None), float)}
    assert shares == {0.37}


def vectors(towers):
    ids = torch.arange(5, 25).reshape(2, 10)
    return towers.encode("passage", ids, torch.ones_like(ids))


@pytest.mark.parametrize("saved", [False, True])
def test_without_dropout_training_mode_is_deterministic_and_with_it_is_not(tmp_path, saved):
    encoder = Tiny(shared=True)
    load_towers(encoder).save(tmp_path)
    start = HubEncoder(model=str(tmp_path / "encoder")) if saved else encoder
    dropped, still = (Checkpoint(start, None, "key").towers(share).train() for share in (0.5, 0.0))
    assert not torch.equal(vectors(dropped), vectors(dropped))
    assert torch.equal(vectors(still), vectors(still))
    assert torch.equal(vectors(still), vectors(still.eval()))


def test_a_saved_model_says_what_the_model_came_with(tmp_path):
    Checkpoint(Tiny(shared=True), None, "key").towers(0.0).save(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path / "encoder")
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.1, 0.1)
    load_towers(Tiny(shared=True), tmp_path, dropout=0.0).save(tmp_path / "again")
    assert AutoConfig.from_pretrained(tmp_path / "again" / "encoder").hidden_dropout_prob == 0.1
