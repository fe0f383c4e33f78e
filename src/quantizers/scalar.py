"""Scalar quantization: one byte per dimension, between the least and the greatest value seen in training."""

from dataclasses import dataclass
from pathlib import Path

from ..arrays.vectors import sample
from .base import Quantizer, TrainingVectors
from .codec import FaissCodec
from .settings import at_least


@dataclass(frozen=True, kw_only=True)
class SQ8(Quantizer):
    """Uniform 8-bit steps per dimension; D bytes per passage. Values outside the sample's range are clipped."""

    training_passages: int = 100_000  # at most, drawn with the seed

    def __post_init__(self) -> None:
        at_least(1, "quantizer.training_passages", self.training_passages)

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

    def load(self, folder: Path) -> FaissCodec:
        """What `FaissCodec.save` wrote into `folder`."""
        return FaissCodec.load(folder)
