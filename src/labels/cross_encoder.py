"""The cross-encoder as a module: one logit per (query, passage) pair."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..encoders.model_files import positions, quietly
from .first_token import only_first_token
from .template import Template


class CrossEncoder(nn.Module):
    """A transformers sequence classifier with one label, or with two, the second for a passage that answers."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        template = Template.of(tokenizer, min(positions(model.config), tokenizer.model_max_length))
        typed = template.typed and getattr(model.config, "type_vocab_size", 1) > 1
        self.template = replace(template, typed=typed)
        only_first_token(model)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None) -> Tensor:
        """The inputs of `Template.inputs` [B, L] to logits float32 [B], whose sigmoid is the probability.

        A mask of None means all ones.
        """
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask, **types).logits.float()
        return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]

    def save(self, folder: Path) -> None:
        """Write a folder that AutoModelForSequenceClassification and AutoTokenizer load."""
        folder.mkdir(parents=True, exist_ok=True)
        with quietly():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
