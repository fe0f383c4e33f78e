"""Locality-sensitive hashing: the signs of a fixed random rotation, compared by Hamming distance (Charikar, 2002)."""

from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import sample
from ..settings import component, setting
from .base import Codes, FittedQuantizer, Quantizer, TrainingVectors
from .binary import BITS, BinaryCodec, check_dimension, pack
from .codec import FaissCodec, Rotation, matrix_of, rotated

PROBE = 1000  # vectors that are checked; nothing is learned from them


class LSHCodec(BinaryCodec, FaissCodec):
    """Codes are the signs of projections, decoded to the sum of the projections' directions with these signs."""

    def _encode_block(self, block: NDArray[np.float32]) -> Codes:
        return pack(self._rotation(block))

    @cached_property
    def _rotation(self) -> Rotation:
        return Rotation(matrix_of(self.faiss_index.rrot))

    def project(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries [Q, D] on the projections' directions, [Q, bits]."""
        return rotated(self.faiss_index.rrot, queries)


@component
class LSH(Quantizer):
    """`bits` signs of a seeded random rotation; bits / 8 bytes per passage."""

    codec: ClassVar[type[FittedQuantizer]] = LSHCodec
    binary: ClassVar[bool] = True

    bits: int | None = setting(None, BITS, ge=8, multiple_of=8)

    def check(self, dimension: int, passages: int | None = None) -> None:
        """The dimension is the number of bits where none is set, and must then be a multiple of 8."""
        check_dimension(self.bits, dimension)

    def fit(self, x: TrainingVectors, seed: int) -> LSHCodec:
        """Draw the rotation; nothing is learned from the vectors."""
        import faiss

        dimension = x.passages.shape[1]
        self.check(dimension, len(x.passages))
        sample(x.passages, PROBE, seed)
        index = faiss.IndexLSH(dimension, self.bits or dimension, True, False)
        index.rrot.init(seed)
        return LSHCodec(index)
