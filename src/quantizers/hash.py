"""The learned hash: signs of a linear layer, trained with BPR's two losses (Yamada et al., ACL 2021).

python run.py retriever=pretrained quantizer=hash     # learned on frozen vectors
python run.py retriever=bpr                           # learned together with the encoder
"""

import io
import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import check_shape
from ..losses.bpr import LAYER, BPRLoss
from ..settings import component, nested
from .base import Codes, FittedQuantizer, State, TrainingVectors
from .binary import BinaryCodec, check_dimension, pack
from .codec import Rotation
from .supervised import SupervisedQuantizer, judged_queries, learn, mean_length

SHAPE, WEIGHT = "hash.json", "weight.npy"


class HashCodec(BinaryCodec):
    """The signs of W x, with W [bits, D]; of x itself where there is no W.

    A code c stands for the vector W^T c, so that <q, decode(c)> = <W q, c>: BPR's score of a candidate.
    """

    def __init__(self, weight: NDArray[np.float32] | None, dimension: int) -> None:
        check_dimension(dimension if weight is None else len(weight), dimension)
        self.weight = weight
        self.dimension = dimension
        self.code_bytes = (dimension if weight is None else len(weight)) // 8

    @property
    def side_bytes(self) -> int:
        """Bytes of the layer and of the file that gives its shape."""
        return sum(map(len, self._files().values()))

    def project(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries [Q, D] after the layer, [Q, bits]."""
        return queries if self.weight is None else queries @ self.weight.T

    def _encode_block(self, block: NDArray[np.float32]) -> Codes:
        return pack(block if self._layer is None else self._layer(block))

    @cached_property
    def _layer(self) -> Rotation | None:
        return None if self.weight is None else Rotation(self.weight)

    def decode(self, codes: Codes) -> NDArray[np.float32]:
        """Codes uint8 [N, bits / 8] to float32 [N, D]."""
        check_shape(codes, self.code_bytes, "codes")
        signs = self.unpack(codes)
        return signs if self.weight is None else signs @ self.weight

    def save(self, folder: Path) -> None:
        """Write the layer into `folder`."""
        for name, content in self._files().items():
            (folder / name).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        shape = json.loads((folder / SHAPE).read_bytes())
        return cls(np.load(folder / WEIGHT, allow_pickle=False) if shape["layer"] else None, shape["dimension"])

    def _files(self) -> dict[str, bytes]:
        files = {SHAPE: json.dumps({"dimension": self.dimension, "layer": self.weight is not None}).encode()}
        if self.weight is not None:
            weight = io.BytesIO()
            np.save(weight, self.weight, allow_pickle=False)
            files[WEIGHT] = weight.getvalue()
        return files


@component
class Hash(SupervisedQuantizer):
    """`bits` learned signs, bits / 8 bytes per passage: a layer that starts as the identity."""

    codec: ClassVar[type[FittedQuantizer]] = HashCodec
    binary: ClassVar[bool] = True
    version: ClassVar[int] = 3  # 2: any positive of a query, whatever the data

    loss: BPRLoss = nested(
        BPRLoss,
        leave_out=("hash_layer", "products", "dense_loss", "layer_learning_rate"),
        hash_layer="linear",
        products="cosine",
        dense_loss="none",  # it would train the vectors, which stay as they are
        temperature=0.05,
    )

    @property
    def bits(self) -> int | None:
        """Bits of a code; None: one per dimension."""
        return self.loss.bits

    def check(self, dimension: int, passages: int | None = None) -> None:
        """The dimension is the number of bits where none is set, and must then be a multiple of 8."""
        super().check(dimension, passages)
        check_dimension(self.bits, dimension)

    def fit(self, x: TrainingVectors, seed: int) -> HashCodec:
        """Learn the layer; raises LabradorError without a judged query to learn from."""
        dimension = x.passages.shape[1]
        self.check(dimension, len(x.passages))
        judged = judged_queries(x)
        lengths = mean_length(judged.queries, seed), mean_length(x.passages, seed)
        temperature = self.loss.temperature / (lengths[0] * lengths[1])
        loss = replace(self.loss, temperature=temperature, layer_learning_rate=self.learning_rate)
        return self.learned(learn(loss, x, self, seed, lengths), dimension)

    def learned(self, state: State, dimension: int) -> HashCodec:
        """The codec of a layer that was trained with an encoder: the state of its `BPRLoss`."""
        return HashCodec(state.get(LAYER), dimension)
