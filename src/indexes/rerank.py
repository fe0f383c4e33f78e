"""What candidates are ranked again by: inner products with full vectors or with codes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantizers.base import Codes, FittedQuantizer
from ..quantizers.binary import BinaryCodec

Rows = Callable[[NDArray[np.int64]], NDArray[np.floating]]  # rising passage rows [n] -> their vectors [n, D]
Score = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]  # queries, rows [Q, C] -> [Q, C]


def inner_product(vectors: Rows) -> Score:
    """The score <query, vectors(row)>; every row is summed in the same order, so equal vectors score the same."""

    def score(queries: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
        import faiss

        rows, places = np.unique(ids, return_inverse=True)
        read = np.ascontiguousarray(vectors(rows), dtype=np.float32)
        places = np.ascontiguousarray(places.reshape(ids.shape), dtype=np.int64)
        scores = np.empty(ids.shape, dtype=np.float32)
        pointers = [faiss.swig_ptr(array) for array in (scores, queries, read, places)]
        library: Any = faiss  # whose stubs lack the function
        library.fvec_inner_products_by_idx(*pointers, queries.shape[1], *ids.shape)
        return scores

    return score


def code_product(fitted: FittedQuantizer, codes: Codes) -> Score:
    """The score <query, decode(code)>: the queries are turned into the codes' space, not the codes out of it."""
    if isinstance(fitted, BinaryCodec):
        from .signs import SignProduct  # numba, which other codes do without

        return SignProduct(fitted, codes)
    unpacked = inner_product(lambda rows: fitted.unpack(codes[rows]))
    return lambda queries, ids: unpacked(fitted.project(queries), ids)
