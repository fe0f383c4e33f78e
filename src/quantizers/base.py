"""What a quantizer is: vectors to codes and back."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..arrays.vectors import Vectors, blocks, check_shape, watched
from ..data.schema import Positive
from ..settings import component

Codes = NDArray[np.uint8]
State = Mapping[str, NDArray[np.float32]]  # trained parameters by name

SAMPLED = "maximum number of passages to train on"  # the help line of training_passages

__all__ = ["Codes", "FittedQuantizer", "JudgedQueries", "Quantizer", "State", "TrainingVectors", "Vectors"]


@dataclass(frozen=True)
class JudgedQueries:
    """Judged queries: vectors [Q, D] and the positives and hard negatives of each, and the passages that are never its
    negatives (None: its positives).
    """

    queries: Vectors
    positives: Ragged
    negatives: Ragged  # best first, without the spared ones
    positive: Positive = "any"  # whether its first positive is learned from, or any of them
    spared: Ragged | None = None


@dataclass(frozen=True)
class TrainingVectors:
    """What a quantizer learns from.

    passages [N, D], float16 or float32, may be a memory map larger than memory; judged: for supervised quantizers, else
    None; start: the parameters, by name, of the fitted quantizer that it starts from.
    """

    passages: Vectors
    judged: JudgedQueries | None = None
    start: State = field(default_factory=dict)


class FittedQuantizer(ABC):
    """A trained quantizer: knows arrays and its own files only."""

    dimension: int  # D
    code_bytes: int  # bytes of one passage's code

    @property
    @abstractmethod
    def side_bytes(self) -> int:
        """Bytes that `save` writes: rotation, codebooks, ranges; the same for any number of passages."""

    @property
    def bytes_per_passage(self) -> float:
        """Bytes of the serialized codes per passage, side data included."""
        return float(self.code_bytes)

    def serialized_bytes(self, passages: int) -> int:
        """Bytes of the whole index of `passages` on disk: their codes and what `save` writes."""
        return passages * self.code_bytes + self.side_bytes

    def encode(self, x: Vectors) -> Codes:
        """Vectors [N, D] to codes uint8 [N, code_bytes]. Raises LabradorError on NaN, infinite or zero vectors."""
        check_shape(x, self.dimension, "vectors to encode")
        codes = np.empty((len(x), self.code_bytes), dtype=np.uint8)
        for first, block in blocks(x):
            codes[first : first + len(block)] = self._encode_block(block)
        return codes

    def encode_blocks(self, x: Vectors) -> Iterator[Codes]:
        """What `encode` gives, block by block with a progress bar, for passages and codes larger than memory."""
        check_shape(x, self.dimension, "vectors to encode")
        return (self._encode_block(block) for _, block in watched(x, "writing codes"))

    @abstractmethod
    def _encode_block(self, block: NDArray[np.float32]) -> Codes:
        """The codes uint8 [n, code_bytes] of usable vectors [n, D]."""

    @abstractmethod
    def decode(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, code_bytes] to the vectors they stand for, float32 [N, D]."""

    def project(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries [Q, D] as [Q, W], so that <project(q), unpack(c)> = <q, decode(c)>; by default W = D."""
        return queries

    def unpack(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, code_bytes] as float32 [N, W] for `project`; equal codes give exactly equal vectors."""
        return self.decode(codes)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the trained parameters into `folder` (never pickle)."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""

    def state(self) -> State:
        """The parameters by name that a training can start from; none where it cannot."""
        return {}

    def codes_in_place(self, vectors: Vectors) -> Codes | None:
        """The stored vectors viewed as codes, without a copy, where they are the codes (flat); else None."""
        return None


@component
class Quantizer(ABC):
    """A compression as a component: its fields are its settings."""

    codec: ClassVar[type[FittedQuantizer]]  # what `fit` gives
    binary: ClassVar[bool] = False  # whether its codes are signs, compared by Hamming distance
    version: ClassVar[int] = 1  # raised when the same settings give other results
    supervised: ClassVar[bool] = False  # whether it learns from judged train questions

    @property
    def option(self) -> str:
        """What the command line calls it: quantizer=..."""
        return type(self).__name__.lower()

    @abstractmethod
    def fit(self, x: TrainingVectors, seed: int) -> FittedQuantizer:
        """Learn from a seeded, capped sample of `x`. Raises LabradorError when `x` cannot train these settings."""

    def draws(self, passages: int) -> bool:
        """Whether the seed changes what is fitted on that many vectors."""
        return True

    def learned(self, state: State, dimension: int) -> FittedQuantizer:
        """The quantizer that was trained together with an encoder of `dimension`; `state`: its parameters by name."""
        raise NotImplementedError(f"{type(self).__name__} is not trained together with an encoder")

    def load(self, folder: Path) -> FittedQuantizer:
        """What `FittedQuantizer.save` wrote into `folder`."""
        return self.codec.load(folder)

    def check(self, dimension: int, passages: int | None = None) -> None:  # noqa: B027 - most settings fit all vectors
        """Raise LabradorError when N = `passages` (None: not known yet) vectors [N, dimension] cannot be quantized."""
