"""RaBitQ: one bit per dimension of a rotated vector and two corrections (Gao and Long, SIGMOD 2024)."""

from dataclasses import dataclass
from pathlib import Path

from ..arrays.vectors import sample
from .base import Quantizer, TrainingVectors
from .codec import FaissCodec
from .settings import at_least


@dataclass(frozen=True, kw_only=True)
class RaBitQ(Quantizer):
    """D / 8 bytes of signs around the sample's mean and 8 bytes of corrections per passage."""

    training_passages: int = 100_000  # at most, drawn with the seed

    def __post_init__(self) -> None:
        at_least(1, "quantizer.training_passages", self.training_passages)

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

    def load(self, folder: Path) -> FaissCodec:
        """What `FaissCodec.save` wrote into `folder`."""
        return FaissCodec.load(folder)
