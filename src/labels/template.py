"""Joins a query and a passage into one text, from the token ids of each."""

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
    """How a tokenizer joins two texts: [CLS] query [SEP] passage [SEP], or a variant of it.

    opening: number of special tokens that start a text; between: tokens added after the query's last one; typed:
    whether type ids distinguish the two texts; limit: tokens of a pair; pad_id: fills short rows.
    """

    opening: int
    between: tuple[int, ...]
    typed: bool
    limit: int
    pad_id: int

    @classmethod
    def of(cls, tokenizer: Any, limit: int) -> "Template":
        """The template of a transformers tokenizer. Raises LabradorError if it joins texts in any other way."""
        first, second = (tokenizer(text)["input_ids"] for text in PROBES)
        bare = tokenizer(PROBES[0], add_special_tokens=False)["input_ids"]
        pair = tokenizer(*PROBES)["input_ids"]
        opening = next((at for at in range(len(first)) if first[at : at + len(bare)] == bare), 0)
        rest = second[opening:]
        between = pair[len(first) : len(pair) - len(rest)]
        if [*first, *between, *rest] != pair:
            raise LabradorError(
                f"{type(tokenizer).__name__}: it joins a pair in its own way; expected the first text, then the "
                "second; use a teacher with a tokenizer like BERT's or RoBERTa's"
            )
        return cls(
            opening, tuple(between), "token_type_ids" in tokenizer.model_input_names, limit, tokenizer.pad_token_id
        )

    def join(self, query: Ids, passage: Ids) -> Ids:
        """The ids of a pair; a passage that does not fit is cut, but keeps its closing token."""
        ids = np.concatenate([query, np.array(self.between, dtype=query.dtype), passage[self.opening :]])
        return ids if len(ids) <= self.limit else np.concatenate([ids[: self.limit - 1], ids[-1:]])

    def inputs(self, queries: Sequence[Ids], passages: Sequence[Ids]) -> "dict[str, Tensor | None]":
        """input_ids, attention_mask and token_type_ids (None: not used) of B pairs, all int64 [B, L].

        The ids given include the special tokens of each text.
        """
        import torch

        pairs = [self.join(*pair) for pair in zip(queries, passages, strict=True)]
        ids, mask, _ = pad(pairs, self.pad_id)
        types = None
        if self.typed:
            first = np.fromiter(map(len, queries), np.int64, len(queries)) + len(self.between)
            types = torch.from_numpy((np.arange(ids.shape[1]) >= first[:, None]).astype(np.int64)) * mask
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
