"""Encodes passages or queries to vectors or codes, shard by shard, into one .npy file in corpus order.

A shard is read, sorted by length, encoded in batches of equal token budget and written. A killed run that is started
again encodes only the missing shards.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .arrays.shards import Plan, write_shards
from .encoders.base import Dtype, Precision
from .encoders.tokens import Ids, Tokens, pad
from .encoders.towers import Side, TwoTower
from .errors import LabradorError
from .machine.devices import memory_for, pick_device
from .machine.devices import precision as precision

Array = NDArray[Any]
Transform = Callable[[NDArray[np.float32]], Array]
TOKEN_BUDGET = {"cpu": 4_096, "cuda": 131_072}  # padded tokens per batch


@dataclass(frozen=True, kw_only=True)
class EncodeSettings:
    """How to encode. Only `dtype` and `precision` change the result, and `precision` only by rounding."""

    dtype: Dtype = "float32"  # of the vectors in the file
    precision: Precision = "auto"  # of the matrix products; auto: the device's
    shard_size: int = 50_000  # passages that are sorted, and lost by a kill, together
    token_budget: int | None = None  # padded tokens per batch; None: by device
    device: str = "auto"  # cpu, cuda (this process's GPU); auto: that GPU where there is one

    def __post_init__(self) -> None:
        for name, allowed in (("dtype", get_args(Dtype)), ("precision", get_args(Precision))):
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

    transform: maps float32 [n, D] to [n, W] row by row (a quantizer's encode, which stores codes but no vectors).
    Under torchrun process r encodes the shards i with i % processes == r. An unfinished `out` of the same plan is
    continued; the caller ensures that towers, tokens and transform are the same. Raises LabradorError when a vector is
    not finite.
    """
    settings = settings or EncodeSettings()
    device = pick_device(settings.device)
    towers = towers.to(device).eval()
    encoder = _BatchEncoder(towers, side, device, settings)
    texts = "passages" if side == "passage" else "queries"

    def finish(vectors: NDArray[np.float32]) -> Array:
        return vectors.astype(settings.dtype, copy=False) if transform is None else transform(vectors)

    width, dtype = towers.dimension, np.dtype(settings.dtype)
    if transform is not None:
        sample = finish(encoder(tokens.slice(0, 1)))
        width, dtype = sample.shape[1], sample.dtype

    def make(first: int, last: int, progress: Callable[[int], Any]) -> Array:
        with memory_for(f"encoding {texts}", f"set encoder.batch_tokens={encoder.budget // 2} or less"):
            vectors = encoder(tokens.slice(first, last), progress)
        broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(broken):
            raise LabradorError(
                f"vector of text {first + broken[0]}: not finite ({len(broken)} of {last - first} in its shard); "
                "expected finite numbers; use precision=float32, or a checkpoint that did not diverge"
            )
        return finish(vectors)

    plan = Plan((len(tokens), width), dtype, settings.shard_size)
    write_shards(out, plan, make, verb=f"encoding {texts}", unit=f" {texts}")


class _BatchEncoder:
    """Token ids of n texts, in any order, to float32 [n, D] in the same order."""

    def __init__(self, towers: TwoTower, side: Side, device: torch.device, settings: EncodeSettings) -> None:
        self.towers, self.side, self.device = towers, side, device
        self.precision = precision(device) if settings.precision == "auto" else settings.precision
        self.budget = settings.token_budget or TOKEN_BUDGET[device.type]

    def __call__(self, texts: list[Ids], progress: Callable[[int], Any] = lambda done: None) -> NDArray[np.float32]:
        vectors = torch.empty(len(texts), self.towers.dimension, device=self.device)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        fill_by_length(vectors, lengths, self.budget, lambda rows: self._encode([texts[row] for row in rows]), progress)
        return vectors.cpu().numpy()

    def _encode(self, texts: list[Ids]) -> Tensor:
        ids, mask, types = pad(texts, self.towers.pad_id, self.towers.segments(self.side))
        full = len(texts[-1]) == ids.shape[1]  # the shortest comes last: no padding, so attention needs no mask
        placed = None if full else mask.to(self.device)
        with torch.inference_mode(), autocast(self.device, self.precision):
            token_types = None if types is None else types.to(self.device)
            return self.towers.encode(self.side, ids.to(self.device), placed, token_types)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Matrix products in `precision`: "float32", or "bfloat16"."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, getattr(torch, precision))


def fill_by_length(
    out: Tensor,
    lengths: NDArray[np.int64],
    budget: int,
    work: Callable[[NDArray[np.int64]], Tensor],
    progress: Callable[[int], Any] = lambda done: None,
) -> None:
    """Fill the rows of `out` [n, ...] with `work(rows)`, in batches of rows of about equal `lengths` [n].

    A batch has at most `budget` tokens, padding included, and its longest text first.
    """
    batches = list(batches_by_length(lengths, budget))
    with _mapping(out.device) as mapping:
        for rows, part in zip(batches, mapping(work, batches), strict=True):
            out[torch.from_numpy(rows).to(out.device)] = part
            progress(len(rows))


@contextmanager
def _mapping(device: torch.device) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` that keeps the device busy.

    On a CPU each core works on its own batch: cores that share one wait for each other in every layer, especially on a
    busy machine. It also makes the vectors independent of the number of threads.
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
    """Rows in batches, longest first, each of at most `budget` tokens, padding included, or of one row."""
    order = np.argsort(-lengths, kind="stable")
    first = 0
    while first < len(order):
        size = max(1, budget // max(1, int(lengths[order[first]])))
        yield order[first : first + size]
        first += size
