"""The same rankings by faiss on a GPU, for the codes that it can scan there: vectors and binary codes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import gpus
from ..devices import memory_for
from ..errors import LabradorError
from ..quantizers.base import FittedQuantizer
from ..quantizers.vectors import block_rows
from .base import Hits, VectorIndex
from .ranking import ordered

NO_GPU = "expected a GPU, none is visible; check nvidia-smi and CUDA_VISIBLE_DEVICES, or set search.device=cpu"
REMEDY = "set search.device=cpu, or use codes of fewer bytes"
DEEPEST = 2048  # passages per query, faiss's limit on a GPU


def check_gpu(depth: int) -> None:
    """Raise LabradorError unless faiss is built for GPUs, one is visible, and it can give `depth` passages per query.

    CUDA is not touched where GPUs can be listed without it: a cell has none yet, and CUDA sees only those that are
    visible at its first call.
    """
    check_depth(depth)
    import faiss

    if not hasattr(faiss, "StandardGpuResources"):
        raise LabradorError(
            "search.device=cuda: expected a faiss built for GPUs, faiss-cpu is installed; pip uninstall faiss-cpu and "
            "install labrador[gpu], or set search.device=cpu"
        )
    why = gpus.listing().why  # without nvidia-smi no GPU is taken by name, and faiss may be asked
    if not gpus.visible_gpus() and (not why or faiss.get_num_gpus() < 1):
        raise LabradorError(f"search.device=cuda: {NO_GPU}")


def gpu_resources() -> Any:
    """faiss's memory on the GPU that this process has; raises LabradorError where faiss sees none."""
    import faiss

    if faiss.get_num_gpus() < 1:
        raise LabradorError(f"search.device=cuda: {NO_GPU}")
    return faiss.StandardGpuResources()


class GpuFlatIndex(VectorIndex):
    """Holds the vectors, float32 or float16 [N, D], in the GPU's memory and scans them there by inner product."""

    def __init__(self, dimension: int, dtype: np.dtype[np.floating]) -> None:
        import faiss

        super().__init__(dimension, dimension * dtype.itemsize)
        self.dtype = dtype
        config = faiss.GpuIndexFlatConfig()
        config.useFloat16 = dtype == np.float16
        self._resources = gpu_resources()
        self._faiss: Any = faiss.GpuIndexFlatIP(self._resources, dimension, config)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        vectors = codes.view(self.dtype)
        step = block_rows(self.dimension)
        with memory_for(f"search.device=cuda: {len(vectors):,} vectors", REMEDY):
            for start in range(0, len(vectors), step):
                self._faiss.add(np.ascontiguousarray(vectors[start : start + step], dtype=np.float32))

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        check_depth(k)
        scores, ids = self._faiss.search(queries, k)
        return ordered(ids, scores)


class GpuHammingIndex(VectorIndex):
    """Holds binary codes in the GPU's memory; scores are negated Hamming distances to the query's code."""

    def __init__(self, quantizer: FittedQuantizer) -> None:
        import faiss

        super().__init__(quantizer.dimension, quantizer.code_bytes)
        self._quantizer = quantizer
        self._resources = gpu_resources()
        self._faiss: Any = faiss.GpuIndexBinaryFlat(self._resources, 8 * quantizer.code_bytes)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        with memory_for(f"search.device=cuda: {len(codes):,} codes", REMEDY):
            self._faiss.add(np.ascontiguousarray(codes))

    def _top(self, queries: NDArray[np.float32], k: int) -> Hits:
        check_depth(k)
        distances, ids = self._faiss.search(self._quantizer.encode(queries), k)
        return ordered(ids, -distances.astype(np.float32))


def check_depth(k: int) -> None:
    """Raise LabradorError when more passages are asked for than a GPU search can give."""
    if k > DEEPEST:
        raise LabradorError(
            f"{k} passages per query on search.device=cuda: expected {DEEPEST} or fewer, faiss's limit there; set "
            f"search.k and search.candidates to {DEEPEST} or less, or search.device=cpu"
        )
