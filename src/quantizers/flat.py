"""No compression: a passage's code is its stored vector."""

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape, watched
from ..settings import component
from .base import Codes, FittedQuantizer, Quantizer, TrainingVectors, Vectors

FILE = "flat.json"


class FlatCodec(FittedQuantizer):
    """Codes are vectors of `dimension` in `dtype` (float32 or float16), byte by byte."""

    def __init__(self, dimension: int, dtype: str) -> None:
        self.dimension = dimension
        self.dtype = np.dtype(dtype)
        self.code_bytes = dimension * self.dtype.itemsize

    @property
    def side_bytes(self) -> int:
        """Bytes of the file that names dimension and type."""
        return len(self._description())

    def _encode_block(self, block: NDArray[np.float32]) -> Codes:
        return block.astype(self.dtype).view(np.uint8)

    def decode(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, code_bytes] to float32 [N, D]."""
        check_shape(codes, self.code_bytes, "codes")
        return np.ascontiguousarray(codes).view(self.dtype).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write dimension and type into `folder`."""
        (folder / FILE).write_bytes(self._description())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**json.loads((folder / FILE).read_bytes()))

    def codes_in_place(self, vectors: Vectors) -> Codes | None:
        """The vectors' own bytes when they are stored in this codec's type, else None."""
        check_shape(vectors, self.dimension, "stored vectors")
        return vectors.view(np.uint8) if vectors.dtype == self.dtype and vectors.flags.c_contiguous else None

    def _description(self) -> bytes:
        return json.dumps({"dimension": self.dimension, "dtype": self.dtype.name}).encode()


@component
class Flat(Quantizer):
    """The vectors as the encoder stored them."""

    codec: ClassVar[type[FittedQuantizer]] = FlatCodec

    def draws(self, passages: int) -> bool:
        """Never."""
        return False

    def fit(self, x: TrainingVectors, seed: int) -> FlatCodec:
        """Keep dimension and type; reads every vector once to check that it is usable."""
        for _ in watched(x.passages, "checking vectors"):
            pass
        return FlatCodec(x.passages.shape[1], x.passages.dtype.name)
