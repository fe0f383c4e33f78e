"""Question and passage as one text, put together from token ids that are stored once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..encoders.tokens import Ids, pad
from ..errors import LabradorError

if TYPE_CHECKING:
    from torch import Tensor

PROBES = ("one", "two")


@dataclass(frozen=True)
class Template:
    """How a tokenizer joins two texts: [CLS] question [SEP] passage [SEP], or a variant of it.

    opening: how many special tokens a text starts with; between: those that come after the question's last one;
    typed: whether type ids tell the tokens of the two apart; limit: tokens of a pair; pad_id: fills short rows.
    """

    opening: int
    between: tuple[int, ...]
    typed: bool
    limit: int
    pad_id: int

    @classmethod
    def of(cls, tokenizer: Any, limit: int) -> "Template":
        """The template of a transformers tokenizer. Raises LabradorError when a pair is not its two texts in order."""
        first, second = (tokenizer(text)["input_ids"] for text in PROBES)
        bare = tokenizer(PROBES[0], add_special_tokens=False)["input_ids"]
        pair = tokenizer(*PROBES)["input_ids"]
        opening = next((at for at in range(len(first)) if first[at : at + len(bare)] == bare), 0)
        rest = second[opening:]
        between = pair[len(first) : len(pair) - len(rest)]
        if [*first, *between, *rest] != pair:
            raise LabradorError(
                f"{type(tokenizer).__name__}: its pair of texts is not the first, then the second, as was expected; "
                "use a teacher with a tokenizer like BERT's or RoBERTa's"
            )
        return cls(
            opening, tuple(between), "token_type_ids" in tokenizer.model_input_names, limit, tokenizer.pad_token_id
        )

    def join(self, question: Ids, passage: Ids) -> Ids:
        """The ids of a pair; a passage that does not fit is cut, its last token, which closes it, kept."""
        ids = np.concatenate([question, np.array(self.between, dtype=question.dtype), passage[self.opening :]])
        return ids if len(ids) <= self.limit else np.concatenate([ids[: self.limit - 1], ids[-1:]])

    def inputs(self, questions: Sequence[Ids], passages: Sequence[Ids]) -> "dict[str, Tensor | None]":
        """input_ids, attention_mask and token_type_ids (None: not used) of B pairs, all int64 [B, L].

        Given are the token ids of both texts with their special tokens.
        """
        import torch

        pairs = [self.join(*pair) for pair in zip(questions, passages, strict=True)]
        ids, mask, _ = pad(pairs, self.pad_id)
        types = None
        if self.typed:
            first = np.fromiter(map(len, questions), np.int64, len(questions)) + len(self.between)
            types = torch.from_numpy((np.arange(ids.shape[1]) >= first[:, None]).astype(np.int64)) * mask
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
