"""Models with a sequence-classification head: taken as they come, or to be trained."""

import json

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

from labrador.encoders.hub import HubEncoder
from labrador.encoders.model_files import quietly, read_classifier
from labrador.encoders.tiny import Tiny
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError


@pytest.fixture
def headless(tmp_path):
    """A folder as an encoder leaves it: neither pooler nor head."""
    load_towers(Tiny(shared=True)).save(tmp_path)
    return tmp_path / "encoder"


def with_head(folder, labels):
    """A folder whose head has `labels` outputs."""
    torch.manual_seed(7)
    shape = {"vocab_size": 1493, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = BertForSequenceClassification(BertConfig(**shape, intermediate_size=16, num_labels=labels))
    with quietly():
        model.save_pretrained(folder)
    return model.eval()


def loaded(folder, ready, seed=0):
    torch.manual_seed(seed)
    return HubEncoder(model=str(folder)).load_classifier(ready=ready)


def logits(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(10, 22)[None]).logits


@pytest.mark.parametrize("ready", [True, False])
def test_the_tiny_classifier_is_its_encoder_with_a_head_of_one(ready):
    model, encoder = Tiny().load_classifier(ready=ready), Tiny().load_model()
    assert not model.training
    assert logits(model).shape == (1, 1)
    assert all(torch.equal(model.bert.state_dict()[name], value) for name, value in encoder.state_dict().items())
    torch.manual_seed(99)
    assert torch.equal(logits(model), logits(Tiny().load_classifier(ready=ready)))
    assert not torch.equal(logits(model), logits(Tiny(weights_seed=1).load_classifier(ready=ready)))


def test_a_head_is_drawn_where_there_is_none(headless):
    model = loaded(headless, ready=False)
    assert (model.config.num_labels, logits(model).shape, model.training) == (1, (1, 1), False)
    kept = Tiny().load_model().state_dict()
    assert all(torch.equal(model.bert.state_dict()[name], value) for name, value in kept.items())
    assert model.classifier.weight.std() > 0


def test_torchs_seed_decides_the_head(headless):
    first, again, other = (loaded(headless, ready=False, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(logits(first), logits(again))
    for name in ("classifier.weight", "bert.pooler.dense.weight"):
        assert torch.equal(first.get_parameter(name), again.get_parameter(name))
        assert not torch.equal(first.get_parameter(name), other.get_parameter(name))


def test_a_ready_one_without_a_head_is_refused(headless):
    message = r"encoder: its weights lack 4 parameters of BertForSequenceClassification .* trained on pairs of query"
    with pytest.raises(LabradorError, match=message):
        loaded(headless, ready=True)


@pytest.mark.parametrize("labels", [1, 2])
def test_a_ready_one_is_what_was_saved(tmp_path, labels):
    model, found = with_head(tmp_path, labels), loaded(tmp_path, ready=True)
    assert not found.training
    assert all(torch.equal(found.get_parameter(name), value) for name, value in model.named_parameters())


def test_three_labels_are_refused_of_a_ready_one(tmp_path):
    with_head(tmp_path, 3)
    with pytest.raises(LabradorError, match="3 labels; expected 1 or 2"):
        loaded(tmp_path, ready=True)


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_one_to_be_trained_has_one_label_and_keeps_a_head_of_one(tmp_path, labels):
    model, found = with_head(tmp_path, labels), loaded(tmp_path, ready=False)
    assert found.classifier.weight.shape == (1, 16)
    assert torch.equal(found.bert.pooler.dense.weight, model.bert.pooler.dense.weight)
    assert torch.equal(found.classifier.weight, model.classifier.weight) == (labels == 1)
    found.save_pretrained(tmp_path / "again")
    with quietly():
        again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "again").eval()
    assert torch.equal(logits(again), logits(found))


@pytest.mark.parametrize(("field", "value"), [("num_hidden_layers", 3), ("intermediate_size", 24)])
@pytest.mark.parametrize("ready", [True, False])
def test_weights_of_another_shape_are_not_drawn_anew(tmp_path, field, value, ready):
    with_head(tmp_path, 1)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {field: value}))
    with pytest.raises(LabradorError, match=r"parameters of BertForSequenceClassification.*a whole checkpoint"):
        loaded(tmp_path, ready)


def test_a_model_without_weights_is_refused(tmp_path):
    with_head(tmp_path, 1)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(LabradorError, match="expected weights in safetensors"):
        read_classifier(tmp_path, ready=True)


def test_a_kind_of_model_that_cannot_classify_is_told(headless):
    config = {"model_type": "clip_text_model"}
    (headless / "config.json").write_text(json.dumps(config))
    with pytest.raises(LabradorError, match="clip_text_model cannot classify pairs of texts"):
        read_classifier(headless, ready=False)


def test_lengths_beyond_the_model_are_refused(headless):
    with pytest.raises(LabradorError, match=r"encoder\.max_passage_length=600: expected at most the 512 tokens"):
        HubEncoder(model=str(headless), max_passage_length=600).load_classifier(ready=False)
