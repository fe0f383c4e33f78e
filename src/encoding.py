"""Passages (or queries) to vectors or codes, shard by shard, into one .npy file in corpus order.

A shard is read, sorted by length, encoded in batches of equal token budget and written with one positioned write; a
marker file then says that it is done. A killed run started again encodes only the shards without a marker.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import processes
from .devices import pick_device
from .devices import precision as precision
from .encoders import npyfile
from .encoders.base import DTYPES
from .encoders.tokens import Ids, Tokens, pad
from .encoders.towers import Side, TwoTower
from .errors import LabradorError
from .progress import bar

Array = NDArray[Any]
Transform = Callable[[NDArray[np.float32]], Array]
PRECISIONS = ("auto", "float32", "bfloat16")
TOKEN_BUDGET = {"cpu": 4_096, "cuda": 131_072}  # padded tokens per batch


@dataclass(frozen=True, kw_only=True)
class EncodeSettings:
    """How to encode. Only `dtype` and `precision` change the result, and `precision` only by rounding."""

    dtype: Literal["float32", "float16"] = "float32"  # of the vectors in the file
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of the matrix products; auto: the device's
    shard_size: int = 50_000  # passages that are sorted, and lost by a kill, together
    token_budget: int | None = None  # padded tokens per batch; None: by device
    device: str = "auto"  # cpu, cuda (this process's GPU); auto: that GPU where there is one

    def __post_init__(self) -> None:
        for name, allowed in (("dtype", DTYPES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise LabradorError(f"{name}={getattr(self, name)}: unknown; use one of {', '.join(allowed)}")
        for name in ("shard_size", "token_budget"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise LabradorError(f"{name}={value}: expected a number >= 1; raise it")


def encode(
    towers: TwoTower,
    side: Side,
    tokens: Tokens,
    out: Path,
    settings: EncodeSettings | None = None,
    transform: Transform | None = None,
) -> None:
    """Write the vectors [N, D] of N texts, or `transform` of them [N, W], to the .npy file `out`.

    `transform` maps float32 [n, D] to [n, W] row by row (a quantizer's encode: codes are written, vectors nowhere).
    Started by torchrun, process r encodes the shards i with i % processes == r. An unfinished `out` is continued if
    it has the same shape, type and shards; that towers, tokens and transform are the same is the caller's to see to.
    Raises LabradorError when a vector is not finite.
    """
    settings = settings or EncodeSettings()
    device = pick_device(settings.device)
    towers = towers.to(device).eval()
    encoder = _BatchEncoder(towers, side, device, settings)

    def finish(vectors: NDArray[np.float32]) -> Array:
        return vectors.astype(settings.dtype, copy=False) if transform is None else transform(vectors)

    width, dtype = towers.dimension, np.dtype(settings.dtype)
    if transform is not None:
        sample = finish(encoder(tokens.slice(0, 1)))
        width, dtype = sample.shape[1], sample.dtype
    markers = _markers(out)
    if processes.is_main():
        _prepare(out, markers, (len(tokens), width), dtype, settings.shard_size)
    processes.barrier()
    shards = range(processes.rank(), -(-len(tokens) // settings.shard_size), processes.world_size())
    _encode_shards(encoder, tokens, out, markers, shards, settings.shard_size, finish)
    processes.barrier()
    if processes.is_main():
        shutil.rmtree(markers)
    processes.barrier()


def begun(out: Path) -> bool:
    """Whether a killed `encode` left finished shards of `out`, with which the next one goes on."""
    return _markers(out).exists()


def _markers(out: Path) -> Path:
    """The folder that says which shards of `out` are done."""
    return out.with_name(f"{out.name}.shards")


class _BatchEncoder:
    """Token ids of n texts, in any order, to float32 [n, D] in the same order."""

    def __init__(self, towers: TwoTower, side: Side, device: torch.device, settings: EncodeSettings) -> None:
        self.towers, self.side, self.device = towers, side, device
        self.precision = precision(device) if settings.precision == "auto" else settings.precision
        self.budget = settings.token_budget or TOKEN_BUDGET[device.type]

    def __call__(self, texts: list[Ids], progress: Callable[[int], Any] = lambda done: None) -> NDArray[np.float32]:
        vectors = torch.empty(len(texts), self.towers.dimension, device=self.device)
        batches = list(batches_by_length(np.fromiter(map(len, texts), np.int64, len(texts)), self.budget))
        with _mapping(self.device) as mapping:
            parts = mapping(lambda rows: self._encode([texts[row] for row in rows]), batches)
            for rows, part in zip(batches, parts, strict=True):
                vectors[torch.from_numpy(rows).to(self.device)] = part
                progress(len(rows))
        return vectors.cpu().numpy()

    def _encode(self, texts: list[Ids]) -> Tensor:
        ids, mask = pad(texts, self.towers.pad_id)
        full = len(texts[-1]) == ids.shape[1]  # the shortest comes last: no padding, so attention needs no mask
        placed = None if full else mask.to(self.device)
        with torch.inference_mode(), self._autocast():
            return self.towers.encode(self.side, ids.to(self.device), placed)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.precision))


@contextmanager
def _mapping(device: torch.device) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` that keeps the device busy.

    On a CPU each core works on a batch of its own: cores that share one wait for each other in every layer, for long
    where the machine has other work. The vectors do not depend on the number of threads then.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield map
        return
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def batches_by_length(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches, longest rows first, each of at most `budget` tokens with padding (or of one row)."""
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        size = max(1, budget // max(1, int(lengths[order[first]])))
        yield order[first : first + size]
        first += size


def _prepare(out: Path, markers: Path, shape: tuple[int, int], dtype: np.dtype[Any], shard_size: int) -> None:
    """Make the file and the marker folder, unless those of an interrupted run fit."""
    plan = json.dumps({"shape": shape, "dtype": dtype.str, "shard_size": shard_size})
    if out.is_file() and (markers / "plan.json").is_file() and (markers / "plan.json").read_text() == plan:
        return
    shutil.rmtree(markers, ignore_errors=True)
    npyfile.create(out, shape, dtype)
    markers.mkdir()
    _write_durably(markers / "plan.json", plan)


def _encode_shards(
    encoder: _BatchEncoder,
    tokens: Tokens,
    out: Path,
    markers: Path,
    shards: range,
    shard_size: int,
    finish: Callable[[NDArray[np.float32]], Array],
) -> None:
    """Encode those of this process's shards that have no marker yet."""
    bounds = {shard: (shard * shard_size, min((shard + 1) * shard_size, len(tokens))) for shard in shards}
    todo = [shard for shard in shards if not (markers / f"{shard}.done").exists()]
    total = sum(last - first for first, last in bounds.values())
    done = total - sum(bounds[shard][1] - bounds[shard][0] for shard in todo)
    texts = "passages" if encoder.side == "passage" else "queries"
    with bar(f"encoding {texts}", f" {texts}", total=total, done=done) as shown:
        for shard in todo:
            first, last = bounds[shard]
            vectors = encoder(tokens.slice(first, last), shown.update)
            broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
            if len(broken):
                raise LabradorError(
                    f"vector of text {first + broken[0]}: not finite ({len(broken)} of {last - first} in its shard); "
                    "expected finite numbers; use precision=float32, or a checkpoint that did not diverge"
                )
            npyfile.write_rows(out, first, finish(vectors))
            _write_durably(markers / f"{shard}.done", "")


def _write_durably(path: Path, text: str) -> None:
    """Write a file and wait until the disk has it and its name."""
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
