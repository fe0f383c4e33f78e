"""What steps hand to one another: things in the store, with the keys of the artifacts that hold them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..data.duplicates import Duplicates
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..quantizers.base import FittedQuantizer, Quantizer
from ..samplers.base import Example, Sampler
from ..store import Artifact
from ..training.train_set import TrainSet

if TYPE_CHECKING:
    from ..encoders.towers import Side


@dataclass(frozen=True)
class StoredArray:
    """An array in the store, memory-mapped."""

    array: NDArray[Any]
    key: str


@dataclass(frozen=True)
class StoredTokens:
    """Token ids in the store."""

    tokens: Tokens
    key: str


@dataclass(frozen=True)
class StoredQuantizer:
    """A trained quantizer, and the component it is of.

    joint: it was trained together with the encoder, without passage vectors.
    """

    component: Quantizer
    fitted: FittedQuantizer
    artifact: Artifact
    joint: bool = False

    @property
    def key(self) -> str:
        """The key of its artifact."""
        return self.artifact.key


@dataclass(frozen=True)
class Encoding:
    """One pass of an encoder over tokens: what it reads and what decides its result.

    keys: of the checkpoint and the tokens; duplicates: passages that share their text with another one.
    """

    checkpoint: Checkpoint
    side: "Side"
    tokens: Tokens
    dtype: Literal["float32", "float16"]
    precision: Literal["float32", "bfloat16"]
    keys: Mapping[str, str]
    about: str
    duplicates: Duplicates | None = None


@dataclass(frozen=True)
class Draws:
    """The batches of each epoch of a training, and what decides them.

    lexical: draws a second kind of hard negatives; keys: of what the samplers draw from.
    """

    name: str
    train_set: TrainSet
    sampler: Sampler
    lexical: Sampler | None
    keys: Mapping[str, str]
    batches: Callable[[int], list[list[Example]]]


@dataclass(frozen=True)
class DevPool:
    """Dev queries and the passages they are ranked among, to choose the best weights of a training.

    rows [Q]: queries of `tokens`; positives [Q]: the first positive of each; pool [P]: passages, ascending, each once;
    spared: of the Q queries; settings, keys: what decides all this.
    """

    tokens: Tokens
    rows: NDArray[np.int64]
    positives: NDArray[np.int64]
    pool: NDArray[np.int64]
    spared: Ragged
    settings: Mapping[str, Any]
    keys: Mapping[str, str]


@dataclass(frozen=True)
class Trained:
    """What a method's training leaves.

    search: the checkpoint that encodes queries and passages for the first stage; rerank: a second one, whose dense
    vectors rerank the candidates; query: one that encodes the queries of both stages instead; quantizer: learned
    together with `search`, used if the run's quantizer is of its kind.
    """

    search: Checkpoint
    quantizer: StoredQuantizer | None = None
    rerank: Checkpoint | None = None
    query: Checkpoint | None = None
