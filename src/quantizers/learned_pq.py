"""Learned product quantization: rotation and codewords trained by BiDR's contrastive loss (Xiao et al., WWW 2022).

python run.py retriever=pretrained quantizer=learned_pq     # learned on frozen vectors, from OPQ
python run.py retriever=bidr                                # learned together with the encoder
"""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ..losses.bidr import CODEBOOKS, ROTATION, SKEW, BiDRLoss, turned, usual_codebooks
from ..settings import component, nested, setting
from .base import FittedQuantizer, State, TrainingVectors
from .opq import OPQ
from .pq import ProductCodec
from .supervised import DEPTH, SupervisedQuantizer, judged_queries, learn, mean_length


@component
class LearnedPQ(SupervisedQuantizer):
    """PQ that starts as `OPQ` and learns from judged queries; `codebooks` bytes per passage with 256 codewords."""

    codec: ClassVar[type[FittedQuantizer]] = ProductCodec
    version: ClassVar[int] = 3  # 2: any positive of a query, whatever the data

    depth: int = setting(100, DEPTH, ge=1)
    training_passages: int = setting(65_536, "maximum number of passages to train OPQ on", ge=2)
    iterations: int = setting(60, "rounds of OPQ, training codebooks and rotation in turn", ge=1)
    loss: BiDRLoss = nested(BiDRLoss, leave_out=("layer_learning_rate",), temperature=0.05, train_rotation=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.start(8)

    @property
    def option(self) -> str:
        """What the command line calls it."""
        return "learned_pq"

    def start(self, dimension: int) -> OPQ:
        """The OPQ that it starts from."""
        return OPQ(
            codebooks=self.loss.codebooks or usual_codebooks(dimension),
            centroids=self.loss.centroids,
            training_passages=self.training_passages,
            iterations=self.iterations,
        )

    def check(self, dimension: int, passages: int | None = None) -> None:
        """What OPQ asks for, and more passages than hard negatives of one query."""
        super().check(dimension, passages)
        self.start(dimension).check(dimension, passages)

    def fit(self, x: TrainingVectors, seed: int) -> ProductCodec:
        """Learn rotation and codewords; raises LabradorError without a judged query to learn from.

        Starts from `x.start`, or fits the OPQ itself. The vectors are first scaled to a length of about 1:
        a learning rate then means the same for every encoder.
        """
        dimension = x.passages.shape[1]
        self.check(dimension, len(x.passages))
        lengths = [mean_length(vectors, seed) for vectors in (judged_queries(x).queries, x.passages)]
        queries, passages = (2.0 ** round(math.log2(length)) for length in lengths)  # to divide by them is exact
        loss = self.loss.resolved(dimension, normalized=True, opq=True)
        loss = replace(
            loss,
            temperature=loss.temperature / (queries * passages),
            sharpness=(loss.sharpness or 1.0) * (passages / lengths[1]) ** 2,
            layer_learning_rate=self.learning_rate,
        )
        start = x.start or self.start(dimension).fit(x, seed).state()
        start = {**start, CODEBOOKS: start[CODEBOOKS] / np.float32(passages)}
        state = learn(loss, x, self, seed, (queries, passages), start)
        return self.learned({**state, CODEBOOKS: state[CODEBOOKS] * np.float32(passages)}, dimension)

    def learned(self, state: State, dimension: int) -> ProductCodec:
        """The codec that was trained with an encoder, from the state of its `BiDRLoss`."""
        rotation = state[ROTATION]
        if state[SKEW].any():
            import torch

            rotation = turned(torch.from_numpy(rotation), torch.from_numpy(state[SKEW])).numpy()
        identity = np.array_equal(rotation, np.eye(dimension, dtype=rotation.dtype))
        return ProductCodec.of(None if identity else rotation, state[CODEBOOKS])
