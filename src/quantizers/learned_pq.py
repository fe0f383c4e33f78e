"""Learned product quantization: rotation and words trained by BiDR's contrastive loss (Xiao et al., WWW 2022).

python run.py retriever=pretrained quantizer=learned_pq     # learned on frozen vectors, from OPQ
python run.py retriever=bidr                                # learned together with the encoder
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..errors import settings_of
from ..losses.bidr import CODEBOOKS, ROTATION, SKEW, BiDRLoss, turned
from .base import State, TrainingVectors
from .opq import OPQ
from .pq import ProductCodec
from .supervised import SupervisedQuantizer, judged_queries, learn, mean_length

SHARPNESS = 8  # times the codebooks: with vectors of length 1, sub-vectors then have the mean squared length 8


@dataclass(frozen=True, kw_only=True)
class LearnedPQ(SupervisedQuantizer):
    """PQ that starts as `OPQ` and learns from judged queries; `codebooks` bytes per passage with 256 words."""

    version: ClassVar[int] = 3  # 2: any positive of a question, whatever the data

    depth: int = 100  # hard negatives are drawn among so many passages that the vectors rank best

    codebooks: int | None = None  # M; None: one for every 8 dimensions
    centroids: int = 256  # words of one codebook, a power of two
    temperature: float = 0.05  # what inner products of the vectors are divided by
    train_rotation: bool = True
    training_passages: int = 65_536  # of the OPQ that it starts from
    iterations: int = 60  # of the same

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.start(8)
        with settings_of("quantizer"):
            _ = self.objective(8)

    @property
    def option(self) -> str:
        """What the command line calls it."""
        return "learned_pq"

    def start(self, dimension: int) -> OPQ:
        """The OPQ that it starts from."""
        return OPQ(
            codebooks=books(self.codebooks, dimension),
            centroids=self.centroids,
            training_passages=self.training_passages,
            iterations=self.iterations,
        )

    def objective(self, dimension: int) -> BiDRLoss:
        """Its loss on vectors [N, dimension] of length 1."""
        return BiDRLoss(
            codebooks=books(self.codebooks, dimension),
            centroids=self.centroids,
            temperature=self.temperature,
            sharpness=SHARPNESS * books(self.codebooks, dimension),
            train_rotation=self.train_rotation,
            layer_learning_rate=self.learning_rate,
        )

    def check(self, dimension: int, passages: int | None = None) -> None:
        """What OPQ asks for, and more passages than hard negatives of one question."""
        super().check(dimension, passages)
        self.start(dimension).check(dimension, passages)

    def fit(self, x: TrainingVectors, seed: int) -> ProductCodec:
        """Learn rotation and words; raises LabradorError when there is no pair to learn from.

        Starts from `x.start`, or fits the OPQ itself. The vectors are brought to a length of about 1 first, so that a
        learning rate means the same for every encoder.
        """
        dimension = x.passages.shape[1]
        self.check(dimension, len(x.passages))
        lengths = [mean_length(vectors, seed) for vectors in (judged_queries(x).queries, x.passages)]
        queries, passages = (2.0 ** round(math.log2(length)) for length in lengths)  # so that dividing by it is exact
        objective = self.objective(dimension)
        scaled = replace(
            objective,
            temperature=objective.temperature / (queries * passages),
            sharpness=objective.sharpness * (passages / lengths[1]) ** 2,
        )
        start = x.start or self.start(dimension).fit(x, seed).state()
        start = {**start, CODEBOOKS: start[CODEBOOKS] / np.float32(passages)}
        state = learn(scaled, x, self, seed, (queries, passages), start)
        return self.learned({**state, CODEBOOKS: state[CODEBOOKS] * np.float32(passages)}, dimension)

    def learned(self, state: State, dimension: int) -> ProductCodec:
        """The codec of a layer that was trained with an encoder: the state of its `BiDRLoss`."""
        rotation = state[ROTATION]
        if state[SKEW].any():
            import torch

            rotation = turned(torch.from_numpy(rotation), torch.from_numpy(state[SKEW])).numpy()
        identity = np.array_equal(rotation, np.eye(dimension, dtype=rotation.dtype))
        return ProductCodec.of(None if identity else rotation, state[CODEBOOKS])

    def load(self, folder: Path) -> ProductCodec:
        """What `ProductCodec.save` wrote into `folder`."""
        return ProductCodec.load(folder)


def books(codebooks: int | None, dimension: int) -> int:
    """The number of codebooks where it is set, else one for every 8 dimensions: 96 for 768, as in the paper.

    A dimension that is no multiple of 8 has the next smaller number that divides it.
    """
    if codebooks is not None:
        return codebooks
    return next((count for count in range(dimension // 8, 1, -1) if dimension % count == 0), 1)
