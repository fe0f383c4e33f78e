"""Steps on vectors: encoding passages and queries."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array
from ..data.duplicates import Duplicates
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..machine import processes
from .fits import FitSteps
from .steps import Stored

if TYPE_CHECKING:
    from ..encoders.towers import Side

DUPLICATES_TOGETHER = 4096  # passages whose tokens are compared at a time
QUERIES_TOGETHER = 4096  # searched in one batch: flat reads the whole file of vectors once for each
VECTORS = "vectors.npy"
Transform = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Encoding:
    """One pass of an encoder over tokens: what it needs, and what names its result."""

    checkpoint: Checkpoint
    side: "Side"
    tokens: Tokens
    dtype: Literal["float32", "float16"]
    precision: Literal["float32", "bfloat16"]
    device: str
    inputs: dict[str, str]
    about: str
    duplicates: Duplicates | None = None  # passages that share their text with another

    @property
    def config(self) -> dict[str, str]:
        """What enters the key of the vectors besides the inputs."""
        return {"side": self.side, "dtype": self.dtype, "precision": self.precision}

    def write(self, out: Path, transform: Transform | None = None) -> None:
        """Write the vectors, or `transform` of them, to the .npy file `out`; continues what a killed run began.

        Passages of the same tokens have the same vector, whatever the batches that they were in rounded.
        """
        from ..encoding import EncodeSettings, encode

        budget = self.checkpoint.encoder.batch_tokens
        settings = EncodeSettings(dtype=self.dtype, precision=self.precision, token_budget=budget, device=self.device)
        encode(self.checkpoint.towers(), self.side, self.tokens, out, settings, transform)
        if self.duplicates is not None and processes.is_main():
            share_rows(out, self.duplicates, self.tokens)


class VectorSteps(FitSteps):
    """What checkpoints make of texts."""

    def passages(self, checkpoint: Checkpoint) -> Stored:
        """The vectors of all passages, [N, D] in corpus order; resumed by shard when killed."""
        return self._vectors(self.encoding(checkpoint))

    def queries(self, checkpoint: Checkpoint, split: str) -> Stored:
        """The vectors of the queries of `split`, [Q, D] float32."""
        return self._vectors(self.encoding(checkpoint, split))

    def encoding(self, checkpoint: Checkpoint, split: str | None = None) -> "Encoding":
        """What encoding the queries of `split` with `checkpoint`, or for None the passages, takes and is named by."""
        from ..machine.devices import precision

        encoder = checkpoint.encoder
        tokens, tokens_key = self.tokens(encoder, split)
        return Encoding(
            checkpoint=checkpoint,
            side="passage" if split is None else "query",
            tokens=tokens,
            dtype=encoder.dtype if split is None else "float32",
            precision=precision(self.device) if encoder.precision == "auto" else encoder.precision,
            device=self.device,
            inputs={"checkpoint": checkpoint.key, "tokens": tokens_key},
            about=f"{len(tokens):,} {'passages' if split is None else f'{split} queries'}",
            duplicates=self.corpus.duplicates if split is None else None,
        )

    def _vectors(self, encoding: "Encoding") -> Stored:
        artifact = self.make(
            "encode",
            "vectors",
            encoding.config,
            encoding.inputs,
            lambda folder: encoding.write(folder / VECTORS),
            device=self.device,
            resumable=True,
            collective=True,
            about=encoding.about,
        )
        return Stored(open_array(artifact.folder / VECTORS), artifact.key)

    def sample_queries(self, split: str, limit: int | None) -> NDArray[np.int64]:
        """Rows of the queries of `split` that have a positive, at most `limit` of them, drawn with the seed."""
        rows = np.flatnonzero(self.corpus.positives(split).lengths)
        if limit is None or len(rows) <= limit:
            return rows
        return np.sort(np.random.default_rng(self.seed).choice(rows, size=limit, replace=False))


def share_rows(path: Path, duplicates: Duplicates, tokens: Tokens) -> None:
    """In the .npy file `path`, give passages of one text with the same tokens the row of the first of them."""
    firsts: dict[tuple[int, bytes], int] = {}
    array: NDArray[Any] = np.load(path, mmap_mode="r+", allow_pickle=False)
    for start in range(0, len(duplicates.rows), DUPLICATES_TOGETHER):
        rows = duplicates.rows[start : start + DUPLICATES_TOGETHER]
        known = zip(duplicates.texts[start : start + DUPLICATES_TOGETHER].tolist(), tokens.rows(rows), strict=True)
        keys = [(text, hashlib.blake2b(ids.tobytes(), digest_size=16).digest()) for text, ids in known]
        array[rows] = array[[firsts.setdefault(key, row) for key, row in zip(keys, rows.tolist(), strict=True)]]
