"""What steps hand to one another: things in the store, with the keys of the artifacts that hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from ..data.duplicates import Duplicates
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..quantizers.base import FittedQuantizer, Quantizer
from ..store import Artifact

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

    `joint`: it was trained together with the encoder, so that no passage vectors were needed to make it.
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
    """One pass of an encoder over tokens: what it needs, and what names its result.

    keys: of the checkpoint and the tokens; duplicates: passages that share their text with another.
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
class Trained:
    """What a method's training leaves.

    search: the checkpoint that encodes queries and passages for candidate search; rerank: a second one, whose dense
    passage vectors verify the candidates; query: one that encodes the queries of both in their place; quantizer: the
    one learned together with `search`, used where the run's quantizer is of its kind.
    """

    search: Checkpoint
    quantizer: StoredQuantizer | None = None
    rerank: Checkpoint | None = None
    query: Checkpoint | None = None
