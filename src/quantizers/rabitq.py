"""RaBitQ: one bit per dimension of a rotated vector and two corrections (Gao and Long, SIGMOD 2024)."""

from typing import ClassVar

from ..arrays.vectors import sample
from ..settings import component, setting
from .base import SAMPLED, FittedQuantizer, Quantizer, TrainingVectors
from .codec import FaissCodec


@component
class RaBitQ(Quantizer):
    """D / 8 bytes of signs around the sample's mean and 8 bytes of corrections per passage."""

    codec: ClassVar[type[FittedQuantizer]] = FaissCodec

    training_passages: int = setting(100_000, SAMPLED, ge=1)

    def fit(self, x: TrainingVectors, seed: int) -> FaissCodec:
        """Draw the rotation; learn the mean from a sample."""
        import faiss

        drawn = sample(x.passages, self.training_passages, seed)
        dimension = drawn.shape[1]
        rotation = faiss.RandomRotationMatrix(dimension, dimension)
        rotation.init(seed)
        index = faiss.IndexPreTransform(rotation, faiss.IndexRaBitQ(dimension, faiss.METRIC_INNER_PRODUCT))
        index.train(drawn)
        return FaissCodec(index)
