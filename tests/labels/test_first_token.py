"""The last attention block for the first token alone gives the same logits and gradients."""

import copy

import pytest
import torch
import transformers

from labrador.labels.first_token import only_first_token

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 99}


def classifier(kind: str, attention: str) -> transformers.PreTrainedModel:
    torch.manual_seed(3)
    config = transformers.AutoConfig.for_model(kind, **SIZES, num_labels=1, pad_token_id=1)
    model = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    return model.eval()


def pairs(masked: bool) -> dict[str, torch.Tensor | None]:
    ids = torch.randint(2, 99, (5, 17), generator=torch.Generator().manual_seed(4))
    mask = torch.ones_like(ids)
    mask[1::2, 9:] = 0
    return {"input_ids": ids * mask + (1 - mask), "attention_mask": mask if masked else None}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie", "distilbert"])
def test_logits_and_gradients_are_those_of_the_whole_layer(kind: str, masked: bool, attention: str) -> None:
    whole = classifier(kind, attention)
    short = copy.deepcopy(whole)
    only_first_token(short)
    seen = []
    if kind != "distilbert":
        short.base_model.encoder.layer[-1].register_forward_hook(lambda _, __, states: seen.append(states.shape))
    logits = [model(**pairs(masked)).logits for model in (whole, short)]
    torch.testing.assert_close(logits[1], logits[0], rtol=1e-4, atol=1e-6)
    for part in logits:
        part.square().sum().backward()
    gradients = [{name: weight.grad for name, weight in model.named_parameters()} for model in (whole, short)]
    for name, gradient in gradients[0].items():
        if gradient is None:
            assert gradients[1][name] is None
        else:
            torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-6)
    assert all(shape[1] == 1 for shape in seen)
    assert bool(seen) == (kind != "distilbert")


def test_weights_keep_their_names() -> None:
    model = classifier("bert", "sdpa")
    names = set(model.state_dict())
    only_first_token(model)
    assert set(model.state_dict()) == names
