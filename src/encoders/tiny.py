"""A small BERT with random weights, made in code: for tests and dry runs."""

import hashlib
import string
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..errors import SettingError
from ..settings import component, setting
from .base import Encoder
from .model_files import with_dropout

POSITIONS = 512
VERSION = 1  # raise when the vocabulary or the weights of a seed change
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def vocabulary() -> list[str]:
    """Special tokens, printable ASCII, and every pair of lower-case letters, as first and as later pieces of a word."""
    pieces = [character for character in string.printable if not character.isspace() and not character.isupper()]
    pieces += ["".join(pair) for pair in product(string.ascii_lowercase, repeat=2)]
    return [*SPECIAL, *pieces, *(f"##{piece}" for piece in pieces)]


@component
class Tiny(Encoder):
    """Random but deterministic: the same fields give the same vectors on every machine, up to rounding."""

    hidden: int = setting(32, "width of the token vectors, a multiple of heads", ge=1)
    layers: int = setting(2, "transformer layers", ge=1)
    heads: int = setting(2, "attention heads of a layer", ge=1)
    weights_seed: int = setting(0, "seed of the random weights", ge=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden % self.heads:
            raise SettingError("hidden", self.hidden, f"a multiple of heads={self.heads}", "try hidden=32 heads=2")
        self.check_lengths(POSITIONS)

    def fingerprint(self) -> str:
        made_from = (VERSION, self.hidden, self.layers, self.heads, self.weights_seed, *vocabulary())
        return hashlib.sha256(repr(made_from).encode()).hexdigest()

    def tokenizer_fingerprint(self) -> str:
        return hashlib.sha256(repr((VERSION, *vocabulary())).encode()).hexdigest()

    def width(self) -> int:
        return self.hidden

    def tokenizer(self) -> Any:
        from transformers import BertTokenizerFast

        vocab = {piece: number for number, piece in enumerate(vocabulary())}
        return BertTokenizerFast(vocab=vocab, do_lower_case=True, model_max_length=POSITIONS)

    def load_model(self, dropout: float | None = None) -> Any:
        from transformers import BertModel

        return self._random(lambda config: BertModel(config, add_pooling_layer=False), dropout)

    def load_classifier(self, *, ready: bool, dropout: float | None = None) -> Any:
        from transformers import BertForSequenceClassification

        return self._random(BertForSequenceClassification, dropout)

    def _random(self, make: Callable[[Any], Any], dropout: float | None) -> Any:
        """The model that `make` builds of this encoder's configuration, its matrices drawn with the seed."""
        import torch
        from transformers import BertConfig

        config = BertConfig(
            vocab_size=len(vocabulary()),
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.hidden,
            max_position_embeddings=POSITIONS,
            num_labels=1,
        )
        with torch.random.fork_rng(devices=[]):
            model = with_dropout(config, dropout, make)
        generator = np.random.default_rng(self.weights_seed)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.copy_(torch.from_numpy(generator.normal(0.0, 0.02, tuple(parameter.shape))))
        return model.eval()
