"""The last attention block of a cross-encoder, computed for the one token that its head reads."""

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

READ_THE_FIRST = {"bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie"}  # model types with BERT's layers


class FirstTokenAttention(nn.Module):
    """The attention block of a BERT layer for the first token alone: [B, 1, H] of states [B, L, H].

    It has the weights of the block that it replaces, under the same names. As the last block it leaves the logits what
    they are and makes scoring a seventh faster with six layers (benchmarks/teacher.py).
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.self, self.output = block.self, block.output

    def forward(self, states: Tensor, mask: Tensor | None = None, **_: Any) -> tuple[Tensor, None]:
        """mask: additive or boolean [B, 1, L or 1, L], or None."""
        block: Any = self.self
        first = states[:, :1]

        def heads(projected: Tensor) -> Tensor:
            split: Tensor = projected.unflatten(-1, (-1, block.attention_head_size)).transpose(1, 2)
            return split

        context = scaled_dot_product_attention(
            heads(block.query(first)),
            heads(block.key(states)),
            heads(block.value(states)),
            attn_mask=None if mask is None else mask[:, :, :1],
            dropout_p=block.dropout.p if block.training else 0.0,
            scale=block.scaling,
        )
        return self.output(context.transpose(1, 2).flatten(-2), first), None


def only_first_token(model: Any) -> None:
    """Replace the last attention block of a transformers sequence classifier whose head reads the first token alone.

    Models of other types are left alone.
    """
    if model.config.model_type in READ_THE_FIRST:
        last = f"encoder.layer.{model.config.num_hidden_layers - 1}.attention"
        model.base_model.set_submodule(last, FirstTokenAttention(model.base_model.get_submodule(last)))
