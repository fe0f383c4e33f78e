"""Locality-sensitive hashing: the signs of a fixed random rotation, compared by Hamming distance (Charikar, 2002)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .base import Codes, Quantizer, TrainingVectors
from .codec import FaissCodec, rotated
from .settings import at_least
from .vectors import sample

if TYPE_CHECKING:
    from ..indexes.base import Index

PROBE = 1000  # vectors looked at: nothing is learned from them


class LSHCodec(FaissCodec):
    """Signs of projections as codes; decoded to the sum of the projections' directions, each with its sign."""

    def project(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries [Q, D] on the projections' directions, [Q, bits]."""
        return rotated(self.faiss_index.rrot, queries)

    def unpack(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, bits / 8] to their signs, float32 [N, bits] of -1 and 1."""
        return np.unpackbits(codes, axis=1, bitorder="little") * np.float32(2) - np.float32(1)

    def index(self, device: str = "cpu") -> "Index":
        """An empty index that ranks by Hamming distance to the query's own code."""
        if device == "cpu":
            from ..indexes.hamming import HammingIndex

            return HammingIndex(self)
        from ..indexes.gpu import GpuHammingIndex

        return GpuHammingIndex(self)


@dataclass(frozen=True, kw_only=True)
class LSH(Quantizer):
    """`bits` signs of a seeded random rotation; bits / 8 bytes per passage."""

    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")

    bits: int | None = None  # a multiple of 8; None: the dimension

    def __post_init__(self) -> None:
        if self.bits is not None:
            at_least(8, "quantizer.bits", self.bits)
            if self.bits % 8:
                raise LabradorError(
                    f"quantizer.bits={self.bits}: expected a multiple of 8, so that a code fills whole bytes; "
                    f"set quantizer.bits={self.bits // 8 * 8}"
                )

    def check(self, dimension: int, passages: int | None = None) -> None:
        """The dimension is the number of bits where none is set, and must then be a multiple of 8."""
        if self.bits is None and dimension % 8:
            raise LabradorError(
                f"lsh with one bit for each of {dimension} dimensions: expected a multiple of 8, so that a code fills "
                f"whole bytes; set quantizer.bits={max(8, dimension // 8 * 8)}"
            )

    def fit(self, x: TrainingVectors, seed: int) -> LSHCodec:
        """Draw the rotation; nothing is learned from the vectors."""
        import faiss

        dimension = x.passages.shape[1]
        self.check(dimension, len(x.passages))
        sample(x.passages, PROBE, seed)
        index = faiss.IndexLSH(dimension, self.bits or dimension, True, False)
        index.rrot.init(seed)
        return LSHCodec(index)

    def load(self, folder: Path) -> LSHCodec:
        """What `FaissCodec.save` wrote into `folder`."""
        return LSHCodec.load(folder)
