"""What a checkpoint finds for train queries: candidates for samplers, and passages for a teacher to judge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import indexes
from ..arrays.npy import open_array
from ..arrays.ragged import Ragged
from ..arrays.shards import Plan, write_shards
from ..encoders.checkpoint import Checkpoint
from ..errors import LabradorError
from ..indexes.base import QueryVectors, VectorIndex
from ..metrics.cost import search_batches
from ..quantizers.flat import FlatCodec
from ..training.train_set import Candidates, QuerySet, TrainSet
from . import artifacts, encode
from .bench import Bench
from .stored import StoredArray, StoredQuantizer

IDS = "ids.npy"
QUERIES_TOGETHER = 4096  # searched in one batch, for each of which flat reads the whole file of vectors


def candidates(
    bench: Bench,
    checkpoint: Checkpoint,
    train_set: TrainSet,
    k: int,
    quantizer: StoredQuantizer | None = None,
    limit: int | None = None,
) -> Candidates:
    """The top `k` passages of each query that has a positive, without the spared ones: by a scan of the `quantizer`'s
    codes or, without one, exactly.

    With a `limit`, of so many queries, drawn with the seed; the others' lists are empty.
    """
    passages = encode.codes(bench, quantizer, checkpoint) if quantizer else encode.passages(bench, checkpoint)
    queries = encode.queries(bench, checkpoint, train_set.queries)
    rows = train_set.judged(limit, bench.seed)

    def write(folder: Path) -> None:
        ids = np.empty((0, k), dtype=np.int64)
        if len(rows):
            asked = _asked(queries, train_set.queries, rows)
            ids = search_batches(_scan(passages, quantizer).search, asked, k, QUERIES_TOGETHER).ids
        without(ids, train_set.spared.take(rows)).spread(rows, len(train_set.spared)).save(folder)

    keys = {"passages": passages.key, "queries": queries.key} | artifacts.own(train_set.queries)
    if quantizer is not None:
        keys["quantizer"] = quantizer.key
    artifact = bench.make(artifacts.candidates(bench, train_set, rows, k, keys), write)
    return Candidates(Ragged.load(artifact.folder), artifact.key)


def nearest(bench: Bench, checkpoint: Checkpoint, asked: QuerySet, rows: NDArray[np.int64], k: int) -> StoredArray:
    """The best `k` passages, or all of them, of the queries `rows` [R] by their vectors, positives too: ids [R, k].

    -1 stands for the passage that a query is itself. Killed, it continues where it was.
    """
    passages, queries = encode.passages(bench, checkpoint), encode.queries(bench, checkpoint, asked)
    k = min(k, len(passages.array))

    def write(folder: Path) -> None:
        index = _scan(passages)

        def make(first: int, last: int, progress: Callable[[int], Any]) -> NDArray[np.int64]:
            found = index.search(_asked(queries, asked, rows[first:last]), k).ids
            progress(last - first)
            return found

        plan = Plan((len(rows), k), np.int64, QUERIES_TOGETHER)
        write_shards(folder / IDS, plan, make, verb="searching", unit=" queries")

    keys = {"passages": passages.key, "queries": queries.key}
    artifact = bench.make(artifacts.nearest(asked, rows, k, keys), write)
    return StoredArray(open_array(artifact.folder / IDS), artifact.key)


def _asked(vectors: StoredArray, queries: QuerySet, rows: NDArray[np.int64]) -> QueryVectors:
    """The queries `rows` as a search takes them."""
    return QueryVectors(np.asarray(vectors.array[rows]), own=None if queries.own is None else queries.own[rows])


def _scan(stored: StoredArray, quantizer: StoredQuantizer | None = None) -> VectorIndex:
    """The index of stored codes or, without a quantizer, of stored vectors."""
    dtype = stored.array.dtype
    index = indexes.of(FlatCodec(stored.array.shape[1], dtype.name) if quantizer is None else quantizer.fitted)
    index.add(stored.array.view(np.uint8))
    return index


def without(ids: NDArray[np.int64], spared: Ragged) -> Ragged:
    """Ranked passages int64 [Q, k] (-1: none) as lists, without the spared ones of each query.

    Raises LabradorError when rankings and queries do not correspond.
    """
    if len(ids) != len(spared):
        raise LabradorError(f"{len(ids)} rankings for {len(spared)} queries: expected one each")
    kept = [row[(row >= 0) & ~np.isin(row, spared[query])] for query, row in enumerate(ids)]
    offsets = np.cumsum([0, *map(len, kept)], dtype=np.int64)
    return Ragged(np.concatenate([*kept, np.empty(0, dtype=np.int64)]), offsets)
