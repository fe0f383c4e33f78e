"""A run's codes as a faiss index, for search without Labrador."""

from pathlib import Path
from typing import Any

import numpy as np

from ..quantizers.base import Codes, FittedQuantizer
from ..quantizers.codec import FaissCodec
from ..quantizers.flat import FlatCodec
from ..quantizers.hash import HashCodec

ROWS = 65_536  # codes added at once


def write_faiss(fitted: FittedQuantizer, codes: Codes, path: Path) -> str:
    """Write the faiss index of codes uint8 [N, code_bytes] to `path`; returns the name of its class.

    The index takes query vectors and ranks as a scan of the codes does, except that faiss gives equal scores no order.
    Scores are inner products; for binary codes Hamming distances, lower is better. It is built in memory.
    """
    import faiss

    index = empty(fitted)
    entries = index
    if isinstance(index, faiss.IndexPreTransform):
        entries = faiss.downcast_index(index.index)
    for start in range(0, len(codes), ROWS):
        entries.add_sa_codes(np.ascontiguousarray(codes[start : start + ROWS]))
    index.ntotal = entries.ntotal
    faiss.write_index(index, str(path))
    name = type(faiss.downcast_index(index)).__name__
    return name if index is entries else f"{name} over {type(entries).__name__}"


def empty(fitted: FittedQuantizer) -> Any:
    """The trained faiss index without entries that takes the codes of `fitted`; every kind of codec has one."""
    import faiss

    if isinstance(fitted, FaissCodec):
        return faiss.clone_index(fitted.faiss_index)
    if isinstance(fitted, FlatCodec):
        if fitted.dtype == np.float32:
            return faiss.IndexFlatIP(fitted.dimension)
        return faiss.IndexScalarQuantizer(fitted.dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    if isinstance(fitted, HashCodec):
        signs = faiss.IndexLSH(fitted.bits, fitted.bits, False, False)  # the signs of the numbers as they are
        if fitted.weight is None:
            return signs
        layer = faiss.LinearTransform(fitted.dimension, fitted.bits)
        faiss.copy_array_to_vector(np.ascontiguousarray(fitted.weight, np.float32).ravel(), layer.A)
        layer.is_trained = True
        index = faiss.IndexPreTransform(layer, signs)
        index.is_trained = True
        return index
    raise TypeError(f"{type(fitted).__name__}: no faiss index takes its codes")
