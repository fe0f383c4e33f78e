"""Scalar quantization: one byte per dimension, between the smallest and the largest value seen in training."""

from typing import ClassVar

from ..arrays.vectors import sample
from ..settings import component, setting
from .base import SAMPLED, FittedQuantizer, Quantizer, TrainingVectors
from .codec import FaissCodec


@component
class SQ8(Quantizer):
    """Uniform 8-bit steps per dimension; D bytes per passage. Values outside the sample's range are clipped."""

    codec: ClassVar[type[FittedQuantizer]] = FaissCodec

    training_passages: int = setting(100_000, SAMPLED, ge=1)

    def draws(self, passages: int) -> bool:
        """Only where a sample stands for more passages than it may hold."""
        return passages > self.training_passages

    def fit(self, x: TrainingVectors, seed: int) -> FaissCodec:
        """Learn each dimension's range from a sample."""
        import faiss

        drawn = sample(x.passages, self.training_passages, seed)
        index = faiss.IndexScalarQuantizer(drawn.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        index.train(drawn)
        return FaissCodec(index)
