"""What candidates are ranked again by: their codes (BPR, section 3) or full vectors (BiDR, section 3.4)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import Vectors
from ..quantizers.base import Codes, FittedQuantizer
from ..quantizers.binary import BinaryCodec
from .base import Floats, Ints
from .flat import scored
from .vectors_on_disk import VectorsOnDisk

Rows = Callable[[Ints], NDArray[np.floating]]  # rising passage numbers [n] -> their vectors [n, D]


@dataclass(frozen=True)
class Reranker:
    """Scores candidates: queries float32 [Q, dimension] and passages int64 [Q, C] to scores float32 [Q, C]."""

    dimension: int
    score: Callable[[Floats, Ints], Floats]


def by_codes(fitted: FittedQuantizer, codes: Codes) -> Reranker:
    """Ranks by <query, decode(code)>, computed in the space of the codes; BPR's <query, signs> is `SignProduct`."""
    if isinstance(fitted, BinaryCodec):
        from .signs import SignProduct  # numba, which other codes do without

        return Reranker(fitted.dimension, SignProduct(fitted, codes))
    unpacked = inner_product(lambda passages: fitted.unpack(codes[passages]))
    return Reranker(fitted.dimension, lambda queries, ids: unpacked(fitted.project(queries), ids))


def by_vectors(vectors: Vectors) -> Reranker:
    """Ranks by <query, vector>; of `vectors` [N, D], which may be a memory map, only candidates' are read."""
    return Reranker(vectors.shape[1], inner_product(VectorsOnDisk(vectors)))


def inner_product(vectors: Rows) -> Callable[[Floats, Ints], Floats]:
    """The score <query, vectors(passage)>, summed in one order for all: equal vectors score the same."""

    def score(queries: Floats, ids: Ints) -> Floats:
        passages, places = np.unique(ids, return_inverse=True)
        read = np.ascontiguousarray(vectors(passages), dtype=np.float32)
        return scored(queries, read, places.reshape(ids.shape))

    return score
