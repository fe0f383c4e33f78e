"""Fitted quantizers, and what searches need in addition to their codes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..encoders.checkpoint import Checkpoint
from ..indexes.search import Search
from ..quantizers.base import JudgedQueries, Quantizer, TrainingVectors
from ..quantizers.supervised import SupervisedQuantizer
from ..store import Artifact
from ..training.frozen import FrozenPassages
from . import artifacts, encode, mine
from .bench import Bench
from .stored import StoredArray, StoredQuantizer, Trained


def fit(bench: Bench, quantizer: Quantizer, checkpoint: Checkpoint) -> StoredQuantizer:
    """Fit a quantizer on the checkpoint's frozen vectors of the passages.

    A supervised one also learns from judged train queries, with hard negatives from their best passages, and may start
    from another fitted quantizer.
    """
    passages = encode.passages(bench, checkpoint)
    judged, start = None, None
    keys: dict[str, str] = {}
    if isinstance(quantizer, SupervisedQuantizer):
        judged, keys = judged_queries(bench, quantizer, checkpoint)
        first = quantizer.start(checkpoint.encoder.dimension)
        if first is not None:
            start = fit(bench, first, checkpoint)
            keys["start"] = start.key

    def write(folder: Path) -> None:
        x = TrainingVectors(passages.array, judged, start.fitted.state() if start else {})
        quantizer.fit(x, bench.seed).save(folder)

    artifact = bench.make(artifacts.quantizer(bench, quantizer, passages, keys), write)
    return StoredQuantizer(quantizer, quantizer.load(artifact.folder), artifact)


def judged_queries(
    bench: Bench, quantizer: SupervisedQuantizer, checkpoint: Checkpoint
) -> tuple[JudgedQueries, dict[str, str]]:
    """The judged queries that a supervised quantizer learns from, and the keys of all that they are made from."""
    train_set, limit = bench.train_set, quantizer.training_queries
    queries = encode.queries(bench, checkpoint, train_set.queries)
    found = mine.candidates(bench, checkpoint, train_set, quantizer.depth, limit=limit)
    rows = train_set.judged(limit, bench.seed)
    judged = JudgedQueries(
        queries.array[rows],
        train_set.positives.take(rows),
        found.lists.take(rows),
        train_set.positive,
        train_set.spared.take(rows),
    )
    return judged, {"queries": queries.key, "candidates": found.key, "judgements": train_set.key}


def learned(bench: Bench, quantizer: Quantizer, checkpoint: Checkpoint) -> StoredQuantizer:
    """The quantizer that an objective learned together with the encoder of `checkpoint`."""

    def write(folder: Path) -> None:
        quantizer.learned(checkpoint.objective_state(), checkpoint.encoder.dimension).save(folder)

    artifact = bench.make(artifacts.learned_quantizer(quantizer, checkpoint), write)
    return StoredQuantizer(quantizer, quantizer.load(artifact.folder), artifact, joint=True)


def frozen(bench: Bench, sparse: Trained, dense: Checkpoint) -> FrozenPassages:
    """Every passage as its dense vector, and as what its code stands for."""
    quantizer = sparse.quantizer
    if quantizer is None:
        raise ValueError("frozen passages need the quantizer that was learned with their encoder")
    codes, vectors = encode.codes(bench, quantizer, sparse.search), encode.passages(bench, dense)

    def decoded(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return quantizer.fitted.decode(np.ascontiguousarray(codes.array[rows]))

    keys = {"codes": codes.key, "quantizer": quantizer.key, "dense": vectors.key}
    return FrozenPassages(vectors.array.__getitem__, decoded, keys)


def structure(bench: Bench, search: Search, quantizer: StoredQuantizer, codes: StoredArray) -> Artifact | None:
    """What the search needs in addition to the codes (a hash table); None if it needs nothing."""
    settings = search.structure()
    if settings is None:
        return None

    def write(folder: Path) -> None:
        search.prepare(quantizer.fitted, codes.array, folder)

    return bench.make(artifacts.structure(settings, quantizer, codes), write)
