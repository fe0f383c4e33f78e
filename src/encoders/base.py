"""The base of all encoders: texts to vectors by one or two transformer towers. Does not import torch."""

import re
from abc import ABC, abstractmethod
from typing import Any, Literal

from ..errors import LabradorError, SettingError
from ..settings import component, setting

Pooling = Literal["cls", "mean"]
Dtype = Literal["float32", "float16"]
Precision = Literal["auto", "float32", "bfloat16"]
SHORTEST = 8  # tokens: room for the special tokens of a (title, text) pair and some text
ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\t": "\t"}  # what a command line can write of a prefix, and what it means


@component
class Encoder(ABC):
    """An encoder as a component: where its weights come from is the subclass's, how they are used is here."""

    pooling: Pooling = setting("cls", "pooling of token vectors: the first token's, or the mean of all")
    normalize: bool = setting(False, "scale every vector to length 1")
    shared: bool = setting(False, "one tower for queries and passages, instead of one each")
    projection: int | None = setting(None, "width of a linear layer after the pooling; null: no layer", ge=1)
    max_query_length: int = setting(32, "tokens of a query, special tokens included", ge=SHORTEST)
    max_passage_length: int = setting(256, "tokens of a passage: title [SEP] text", ge=SHORTEST)
    query_prefix: str = setting("", r"text before every query; \n is a line break, \t a tab, \\ a backslash")
    passage_prefix: str = setting("", "text before every passage, written the same way")
    segments: bool = setting(False, "token type 1 for the text after a title (BPR, PAIR); false: 0 throughout (DPR)")
    temperature: float = setting(1.0, "divides inner products in the losses, unless they set their own", gt=0)
    dtype: Dtype = setting("float32", "number format of the passage vectors on disk")
    precision: Precision = setting(
        "auto", "precision of matrix products when encoding; auto: the best the device supports"
    )
    batch_tokens: int | None = setting(
        None, "tokens to encode at a time, padding included; null: 4096 on a CPU, 131072 on a GPU", decides=False, ge=1
    )

    def __post_init__(self) -> None:
        _ = self.prefix("query"), self.prefix("passage")

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of the weights, the configuration and the tokenizer: what decides the vectors besides the fields."""

    @abstractmethod
    def tokenizer_fingerprint(self) -> str:
        """A hash of what decides the token ids: encoders with the same tokenizer share their tokens."""

    @abstractmethod
    def width(self) -> int:
        """The width of the model's token vectors, from its configuration alone."""

    @property
    def dimension(self) -> int:
        """D of the vectors: the projection's width, or the model's."""
        return self.projection or self.width()

    @abstractmethod
    def tokenizer(self) -> Any:
        """The transformers fast tokenizer.

        Raises LabradorError when a length is beyond the model's positions, or the files are unavailable.
        """

    @abstractmethod
    def load_model(self, dropout: float | None = None) -> Any:
        """The transformers PreTrainedModel without a head, float32 on the CPU.

        dropout: the share of numbers that all its layers drop in training; None: as it comes. Raises
        LabradorError as `tokenizer` does.
        """

    @abstractmethod
    def load_classifier(self, *, ready: bool, dropout: float | None = None) -> Any:
        """The transformers PreTrainedModel with a sequence-classification head, float32 on the CPU.

        ready: the head has been trained and has one label or two; otherwise it has one label, and what the weights do
        not hold is drawn with torch's seed. dropout: as for `load_model`. Raises LabradorError as `tokenizer` does, and
        for a ready one that is not.
        """

    def prefix(self, side: Literal["query", "passage"]) -> str:
        """What is put before a text of that side: the setting, with \\n a line break, \\t a tab, \\\\ a backslash.

        Raises LabradorError for a backslash before anything else.
        """
        name = f"{side}_prefix"

        def meant(found: re.Match[str]) -> str:
            if found[0] not in ESCAPES:
                known = "\\n (a line break), \\t (a tab) or \\\\ (a backslash)"
                raise SettingError(name, repr(getattr(self, name)), f"{known}, not {found[0]}")
            return ESCAPES[found[0]]

        return re.sub(r"\\.?", meant, getattr(self, name), flags=re.DOTALL)

    def check(self) -> None:
        """Raise LabradorError, before any long work, for settings that do not go with the model or its tokenizer."""
        if self.query_prefix or self.passage_prefix:
            self.check_prefixes(self.tokenizer())

    def check_prefixes(self, tokenizer: Any) -> None:
        """Raise LabradorError for a prefix that leaves a text fewer than SHORTEST tokens of its length.

        Of a passage half the length is its title's, which comes after the prefix.
        """
        sides: tuple[tuple[Literal["query", "passage"], int], ...] = (("query", 1), ("passage", 2))
        for side, parts in sides:
            name = f"max_{side}_length"
            taken = len(tokenizer(self.prefix(side), add_special_tokens=False, verbose=False)["input_ids"])
            least = parts * (taken + SHORTEST) if taken else SHORTEST
            if getattr(self, name) < least:
                raise LabradorError(
                    f"encoder.{side}_prefix: it takes {taken} tokens and leaves no room in encoder.{name}="
                    f"{getattr(self, name)}; set encoder.{name} to at least {least}, or shorten the prefix"
                )

    def check_lengths(self, limit: int) -> None:
        """Raise LabradorError when a maximum length is beyond the model's `limit` of tokens."""
        for name in ("max_query_length", "max_passage_length"):
            if getattr(self, name) > limit:
                expected = f"at most the {limit} tokens that the model reads"
                raise SettingError(name, getattr(self, name), expected, component="encoder")
