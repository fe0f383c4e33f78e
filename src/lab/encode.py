"""What checkpoints make of texts: vectors, and the codes of passages."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array, write_stream
from ..data.duplicates import Duplicates
from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..machine import processes
from ..machine.devices import precision
from ..quantizers.base import FittedQuantizer, Vectors
from ..store import Artifact
from ..training.train_set import QuerySet
from . import artifacts, tokens
from .bench import Bench
from .stored import Encoding, StoredArray, StoredQuantizer

DUPLICATES_TOGETHER = 4096  # passages whose tokens are compared at a time
VECTORS, CODES = "vectors.npy", "codes.npy"
Transform = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


def passages(bench: Bench, checkpoint: Checkpoint) -> StoredArray:
    """The vectors of all passages, [N, D] in corpus order; resumed by shard when killed."""
    return _vectors(bench, _encoding(bench, checkpoint))


def queries(bench: Bench, checkpoint: Checkpoint, asked: QuerySet) -> StoredArray:
    """The vectors of queries, [Q, D] float32."""
    return _vectors(bench, _encoding(bench, checkpoint, asked))


def _encoding(bench: Bench, checkpoint: Checkpoint, asked: QuerySet | None = None) -> Encoding:
    """The encoding of queries or, for None, of all passages."""
    encoder = checkpoint.encoder
    read = tokens.passages(bench, encoder) if asked is None else tokens.queries(bench, encoder, asked)
    return Encoding(
        checkpoint=checkpoint,
        side="passage" if asked is None else "query",
        tokens=read.tokens,
        dtype=encoder.dtype if asked is None else "float32",
        precision=chosen_precision(bench, encoder),
        keys={"checkpoint": checkpoint.key, "tokens": read.key},
        about=f"{len(read.tokens):,} {'passages' if asked is None else f'{asked.split} queries'}",
        duplicates=bench.corpus.duplicates if asked is None else None,
    )


def chosen_precision(bench: Bench, encoder: Encoder) -> Literal["float32", "bfloat16"]:
    """The precision of an encoder's matrix products; `auto` is the device's."""
    return precision(bench.device) if encoder.precision == "auto" else encoder.precision


def _vectors(bench: Bench, encoding: Encoding) -> StoredArray:
    recipe = artifacts.vectors(encoding)
    artifact = bench.make(recipe, lambda folder: _write(bench, encoding, folder / VECTORS), device=bench.device)
    return StoredArray(open_array(artifact.folder / VECTORS), artifact.key)


def _write(bench: Bench, encoding: Encoding, out: Path, transform: Transform | None = None) -> None:
    """Write the vectors, or `transform` of them, to the .npy file `out`; continues what a killed run began.

    Passages with the same tokens get the same vector, although their batches may have rounded differently.
    """
    from ..encoding import EncodeSettings, encode

    settings = EncodeSettings(
        dtype=encoding.dtype,
        precision=encoding.precision,
        token_budget=encoding.checkpoint.encoder.batch_tokens,
        device=bench.device,
    )
    encode(encoding.checkpoint.towers(), encoding.side, encoding.tokens, out, settings, transform)
    if encoding.duplicates is not None and processes.is_main():
        share_rows(out, encoding.duplicates, encoding.tokens)


def share_rows(path: Path, duplicates: Duplicates, read: Tokens) -> None:
    """In the .npy file `path`, give passages of one text with the same tokens the row of the first of them."""
    firsts: dict[tuple[int, bytes], int] = {}
    array: NDArray[Any] = np.load(path, mmap_mode="r+", allow_pickle=False)
    for start in range(0, len(duplicates.rows), DUPLICATES_TOGETHER):
        rows = duplicates.rows[start : start + DUPLICATES_TOGETHER]
        known = zip(duplicates.texts[start : start + DUPLICATES_TOGETHER].tolist(), read.rows(rows), strict=True)
        keys = [(text, hashlib.blake2b(ids.tobytes(), digest_size=16).digest()) for text, ids in known]
        array[rows] = array[[firsts.setdefault(key, row) for key, row in zip(keys, rows.tolist(), strict=True)]]


def codes(bench: Bench, quantizer: StoredQuantizer, checkpoint: Checkpoint) -> StoredArray:
    """The codes of all passages, uint8 [N, code_bytes]; for flat, the stored vectors themselves.

    A quantizer that was learned with the encoder gives codes while encoding, and no vectors are stored.
    """
    if quantizer.joint:
        return _codes_of_texts(bench, quantizer, _encoding(bench, checkpoint))
    vectors = passages(bench, checkpoint)
    in_place = quantizer.fitted.codes_in_place(vectors.array)
    if in_place is not None:
        return StoredArray(in_place, vectors.key)

    def write(folder: Path) -> None:
        write_codes(quantizer.fitted, vectors.array, folder / CODES)

    artifact = bench.make(artifacts.codes(quantizer, vectors), write)
    return StoredArray(open_array(artifact.folder / CODES), artifact.key)


def _codes_of_texts(bench: Bench, quantizer: StoredQuantizer, encoding: Encoding) -> StoredArray:
    def write(folder: Path) -> float:
        stored = _stored(bench, encoding, folder)
        if stored is None:
            _write(bench, encoding, folder / CODES, quantizer.fitted.encode)
            return 0.0
        if processes.is_main():
            write_codes(quantizer.fitted, open_array(stored.folder / VECTORS), folder / CODES)
        return stored.seconds

    artifact = bench.make(artifacts.codes_of_texts(quantizer, encoding), write, device=bench.device)
    return StoredArray(open_array(artifact.folder / CODES), artifact.key)


def _stored(bench: Bench, encoding: Encoding, folder: Path) -> Artifact | None:
    """The stored float32 vectors, if another run left them and `folder` holds no codes of a killed encoding; else None.
    The main process decides for all.
    """
    from ..arrays.shards import begun

    recipe = artifacts.vectors(encoding)
    usable = processes.is_main() and encoding.dtype == "float32" and not begun(folder / CODES)
    found = bench.store.find(recipe) if usable else None
    if not processes.broadcast("stored" if found else ""):
        return None
    return found or bench.store.find(recipe)


def write_codes(fitted: FittedQuantizer, vectors: Vectors, out: Path) -> None:
    """Write the codes of vectors [N, D] to the .npy file `out`, block by block."""
    write_stream(out, fitted.encode_blocks(vectors), np.uint8, (fitted.code_bytes,))
