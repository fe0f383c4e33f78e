"""The kinds of indexes that scan codes, and which one fits which codes on which device."""

from ..quantizers.base import FittedQuantizer
from ..quantizers.binary import BinaryCodec
from ..quantizers.codec import FaissCodec
from ..quantizers.flat import FlatCodec
from .adc import AdcIndex
from .base import VectorIndex
from .flat import FlatIndex
from .gpu import GpuFlatIndex, GpuHammingIndex
from .hamming import HammingIndex


def of(fitted: FittedQuantizer, device: str = "cpu", ties_from: int = 0) -> VectorIndex:
    """An empty index that scans the codes of `fitted` on `device`: stored vectors and codes that decode to vectors by
    inner product, binary codes by Hamming distance. Equal scores go to the first passage from `ties_from` on.
    """
    on_cpu = device == "cpu"
    if isinstance(fitted, FlatCodec):
        return FlatIndex(fitted, ties_from) if on_cpu else GpuFlatIndex(fitted, ties_from)
    if isinstance(fitted, BinaryCodec):
        return HammingIndex(fitted, ties_from) if on_cpu else GpuHammingIndex(fitted, ties_from)
    if isinstance(fitted, FaissCodec) and on_cpu:
        return AdcIndex(fitted, ties_from)
    raise ValueError(f"no index scans the codes of {type(fitted).__name__} on {device}")
