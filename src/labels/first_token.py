"""The last layer of a cross-encoder, computed for the one token that its head reads."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

READ_THE_FIRST = {"bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie"}  # model types with BERT's layers


def only_first_token(model: Any) -> None:
    """Let the last layer of a transformers sequence classifier give its first token alone, [B, 1, H].

    Its logits stay what they are: the heads of these models read the first token alone. Of a model with six layers a
    seventh of the work is saved (benchmarks/teacher.py), of twelve a fourteenth. Models of other types are left alone.
    """
    if model.config.model_type in READ_THE_FIRST:
        attention = model.base_model.encoder.layer[-1].attention
        attention.forward = partial(_attend, attention)


def _attend(attention: nn.Module, states: Tensor, mask: Tensor | None = None, **_: Any) -> tuple[Tensor, None]:
    """What the attention block of a BERT layer gives for the first token: [B, 1, H] of `states` [B, L, H].

    mask: additive or boolean [B, 1, L or 1, L], or None.
    """
    block: Any = attention.self
    first = states[:, :1]

    def heads(projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (-1, block.attention_head_size)).transpose(1, 2)

    context = torch.nn.functional.scaled_dot_product_attention(
        heads(block.query(first)),
        heads(block.key(states)),
        heads(block.value(states)),
        attn_mask=None if mask is None else mask[:, :, :1],
        dropout_p=block.dropout.p if block.training else 0.0,
        scale=block.scaling,
    )
    return attention.output(context.transpose(1, 2).flatten(-2), first), None  # type: ignore[operator]
