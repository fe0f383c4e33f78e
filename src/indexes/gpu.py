"""Rankings by faiss on a GPU, equal to the CPU's, of the codes that it can scan there: vectors and binary codes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import block_rows
from ..errors import SettingError
from ..machine import gpus
from ..machine.devices import memory_for
from ..quantizers.base import Quantizer
from ..quantizers.binary import BinaryCodec
from ..quantizers.flat import Flat, FlatCodec
from .base import Floats, Hits, VectorIndex
from .ties import Found, Scanned, exact_top

REMEDY = "set search.device=cpu, or use codes of fewer bytes"
LIMIT = 2048  # passages per query that faiss finds on a GPU, at most
DEEPEST = LIMIT - 2  # one more may be the query itself, another shows whether the last place is tied


def check_gpu(quantizer: Quantizer, depth: int) -> None:
    """Raise SettingError unless faiss can scan the quantizer's codes on a GPU, give `depth` passages per query, is
    built for GPUs, and one is visible.

    CUDA is not used where GPUs can be listed without it: a cell has no GPU yet, and CUDA sees only those that are
    visible at its first call.
    """
    import faiss

    if not (quantizer.binary or isinstance(quantizer, Flat)):
        why = f"faiss scans no codes of quantizer={quantizer.option} on a GPU"
        raise wrong_device(why, "there use flat, lsh or hash")
    if depth > DEEPEST:
        why = f"faiss gives at most {DEEPEST} of the {depth} passages per query on a GPU"
        raise wrong_device(why, "there set search.k and search.candidates lower")
    if not hasattr(faiss, "StandardGpuResources"):
        raise wrong_device("faiss-cpu is installed", "for a GPU uninstall it and install labrador[gpu]")
    why = gpus.listing().why  # without nvidia-smi GPUs are not taken by name, and faiss may be asked
    if not gpus.visible_gpus() and (not why or faiss.get_num_gpus() < 1):
        raise no_gpu()


def wrong_device(why: str, remedy: str) -> SettingError:
    """The error of a search that cannot be run on a GPU."""
    return SettingError("device", "cuda", f"cpu, since {why}", remedy, "search")


def no_gpu() -> SettingError:
    """The error where no GPU is visible."""
    return wrong_device("no GPU is visible", "check nvidia-smi and CUDA_VISIBLE_DEVICES")


def gpu_resources() -> Any:
    """faiss's memory on the GPU that this process has; raises SettingError where faiss sees none."""
    import faiss

    if faiss.get_num_gpus() < 1:
        raise no_gpu()
    return faiss.StandardGpuResources()


class GpuFlatIndex(VectorIndex):
    """Holds the vectors, float32 or float16 [N, D], in the GPU's memory and scans them there by inner product."""

    def __init__(self, fitted: FlatCodec, ties_from: int = 0) -> None:
        import faiss

        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self.dtype = fitted.dtype
        self._config = faiss.GpuIndexFlatConfig()
        self._config.useFloat16 = self.dtype == np.float16
        self._resources = gpu_resources()
        self._faiss: Any = faiss.GpuIndexFlatIP(self._resources, self.dimension, self._config)

    def _append(self, codes: NDArray[np.uint8]) -> None:
        vectors = codes.view(self.dtype)
        step = block_rows(self.dimension)
        with memory_for(f"search.device=cuda: {len(vectors):,} vectors", REMEDY):
            for start in range(0, len(vectors), step):
                self._faiss.add(np.ascontiguousarray(vectors[start : start + step], dtype=np.float32))

    def _top(self, queries: Floats, k: int) -> Hits:
        return exact_top(Scanned(self._faiss.search, self._part, self.size, LIMIT), queries, k, self.ties_from)

    def _part(self, queries: Floats, start: int, stop: int) -> Found:
        """The scores of the vectors from start to stop, read back, LIMIT at a time."""
        import faiss

        found = []
        for first in range(start, stop, LIMIT):
            count = min(LIMIT, stop - first)
            index: Any = faiss.GpuIndexFlatIP(self._resources, self.dimension, self._config)
            index.add(self._faiss.reconstruct_n(first, count))
            scores, ids = index.search(queries, count)
            found.append((scores, ids + first))
        scores, ids = (np.hstack(arrays) for arrays in zip(*found, strict=True))
        return scores, ids


class GpuHammingIndex(VectorIndex):
    """Holds binary codes in the GPU's memory; scores are negated Hamming distances to the query's code."""

    def __init__(self, fitted: BinaryCodec, ties_from: int = 0) -> None:
        import faiss

        super().__init__(fitted.dimension, fitted.code_bytes, ties_from)
        self._fitted = fitted
        self._resources = gpu_resources()
        self._faiss: Any = faiss.GpuIndexBinaryFlat(self._resources, fitted.bits)
        self._parts: list[NDArray[np.uint8]] = []

    def _append(self, codes: NDArray[np.uint8]) -> None:
        with memory_for(f"search.device=cuda: {len(codes):,} codes", REMEDY):
            self._faiss.add(np.ascontiguousarray(codes))
        self._parts.append(codes)

    def _top(self, queries: Floats, k: int) -> Hits:
        def scan(some: Floats, n: int) -> Found:
            distances, ids = self._faiss.search(self._fitted.encode(some), n)
            return -distances.astype(np.float32), ids

        return exact_top(Scanned(scan, self._part, self.size, LIMIT), queries, k, self.ties_from)

    def _part(self, queries: Floats, start: int, stop: int) -> Found:
        """The scores of the codes from start to stop, on the CPU: distances are whole numbers on both."""
        import faiss

        encoded, found, first = self._fitted.encode(queries), [], 0
        for codes in self._parts:
            here = codes[max(start - first, 0) : max(stop - first, 0)]
            if len(here):
                distances, ids = faiss.knn_hamming(encoded, np.ascontiguousarray(here), len(here))
                found.append((-distances.astype(np.float32), ids.astype(np.int64) + max(start, first)))
            first += len(codes)
        scores, ids = (np.hstack(arrays) for arrays in zip(*found, strict=True))
        return scores, ids
