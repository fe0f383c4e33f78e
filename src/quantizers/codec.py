"""A trained, empty faiss index as a codec: vectors to plain uint8 codes and back."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import block_rows, check_shape
from .base import Codes, FittedQuantizer

FILE = "quantizer.faiss"


class FaissCodec(FittedQuantizer):
    """Encodes and decodes as `index` does, a trained faiss index without entries."""

    def __init__(self, index: Any) -> None:
        self.faiss_index = index
        self.dimension = index.d
        self.code_bytes = index.sa_code_size()

    @property
    def side_bytes(self) -> int:
        """Bytes of the serialized empty index."""
        import faiss

        return len(faiss.serialize_index(self.faiss_index))

    def _encode_block(self, block: NDArray[np.float32]) -> Codes:
        """Where the index has a rotation, it is applied by `Rotation`."""
        import faiss

        if isinstance(self.faiss_index, faiss.IndexPreTransform):
            inner: Codes = faiss.downcast_index(self.faiss_index.index).sa_encode(self._rotation(block))
            return inner
        codes: Codes = self.faiss_index.sa_encode(block)
        return codes

    @cached_property
    def _rotation(self) -> "Rotation":
        """The index's rotation, where it has one."""
        chain: Any = self.faiss_index.chain
        return Rotation(matrix_of(chain.at(0)))

    def decode(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, code_bytes] to float32 [N, D], block by block."""
        check_shape(codes, self.code_bytes, "codes")
        x = np.empty((len(codes), self.dimension), dtype=np.float32)
        step = block_rows(self.dimension)
        for start in range(0, len(codes), step):
            part = slice(start, start + step)
            x[part] = self.faiss_index.sa_decode(np.ascontiguousarray(codes[part]))
        return x

    def project(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries [Q, D], rotated where the index has a rotation."""
        import faiss

        if not isinstance(self.faiss_index, faiss.IndexPreTransform):
            return queries
        chain: Any = self.faiss_index.chain
        return rotated(chain.at(0), queries)

    def unpack(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, code_bytes] to float32 [N, D], not rotated back."""
        import faiss

        if not isinstance(self.faiss_index, faiss.IndexPreTransform):
            return self.decode(codes)
        inner: NDArray[np.float32] = faiss.downcast_index(self.faiss_index.index).sa_decode(codes)
        return inner

    def save(self, folder: Path) -> None:
        """Write the faiss index into `folder`."""
        import faiss

        faiss.write_index(self.faiss_index, str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        import faiss

        return cls(faiss.read_index(str(folder / FILE)))


class Rotation:
    """A linear map of passages, summed in float64 and rounded once: W x for each row x of [N, D].

    A product in float32 rounds by a row's position in the matrix: equal vectors could get different codes.
    """

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        self._turned = matrix.T.astype(np.float64)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rows [N, W] of x [N, D]."""
        found: NDArray[np.float32] = (x.astype(np.float64) @ self._turned).astype(np.float32)
        return found


def matrix_of(transform: Any) -> NDArray[np.float32]:
    """The matrix [W, D] of a faiss transform."""
    import faiss

    linear: Any = faiss.downcast_VectorTransform(transform)
    matrix: NDArray[np.float32] = faiss.vector_to_array(linear.A).reshape(linear.d_out, linear.d_in)
    return matrix


def rotated(transform: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [N, D] rotated by a faiss transform."""
    turned: NDArray[np.float32] = transform.apply(np.ascontiguousarray(x, dtype=np.float32))
    return turned
