"""Rankings of a split's queries: searched, measured and scored."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.npy import open_array
from ..indexes.base import Hits, Index, QueryTexts, QueryVectors
from ..indexes.search import Search, Searchable
from ..machine import gpus, processes
from ..machine.hardware import this_machine
from ..machine.measuring import measuring
from ..machine.threads import usable_threads
from ..metrics.cost import measure, search_batches
from ..quantizers.base import Quantizer
from ..store import Artifact, Recipe
from . import artifacts, compress, encode, lexical
from .bench import Bench
from .mine import QUERIES_TOGETHER
from .stored import Trained

log = logging.getLogger(__name__)

IDS, SCORES, COST = "ids.npy", "scores.npy", "cost.json"


@dataclass(frozen=True)
class Ranking:
    """Ranked passages of every query of a split, and what they cost."""

    hits: Hits
    cost: dict[str, Any]  # latency_ms {"p50", "p99", and of each stage}, qps, threads, device, disturbed
    key: str
    bytes_per_passage: float
    index_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class Task:
    """One search of all queries of a split; `build` makes the index when it is first needed."""

    build: Callable[[], Index[Any]]
    queries: QueryVectors | QueryTexts
    k: int
    device: str
    about: str  # the queries, for the log

    @cached_property
    def index(self) -> Index[Any]:
        """What searches; built only once."""
        return self.build()

    @property
    def opened(self) -> bool:
        """Whether the index has been built."""
        return "index" in vars(self)


def rank(bench: Bench, trained: Trained, quantizer: Quantizer, search: Search, split: str) -> Ranking:
    """Rank the passages for every query of `split`: by the quantizer's codes, in one or two stages.

    A quantizer that was trained together with the encoder is used if `quantizer` is of its kind.
    """
    search = search.resolved(verified=trained.rerank is not None)
    asked = bench.queries(split)
    queries = encode.queries(bench, trained.query or trained.search, asked)
    fitted = trained.quantizer
    if fitted is None or type(fitted.component) is not type(quantizer):
        fitted = compress.fit(bench, quantizer, trained.search)
    codes = encode.codes(bench, fitted, trained.search)
    structure = compress.structure(bench, search, fitted, codes)
    dense = encode.passages(bench, trained.rerank or trained.search) if search.needs_vectors else None
    verifier = None  # query vectors of the rerank, if it has a second encoder
    if trained.rerank is not None and dense is not None:
        verifier = encode.queries(bench, trained.query or trained.rerank, asked)
    passages = Searchable(
        fitted.fitted,
        codes.array,
        bench.ties_from,
        vectors=dense.array if dense else None,
        verified=verifier is not None,
        prepared=structure.folder if structure else None,
    )
    vectors = QueryVectors(queries.array, verifier.array if verifier else None, asked.own)
    about = f"{len(asked):,} {split} queries"
    task = Task(lambda: search.build(passages), vectors, search.k, search.device, about)
    made_from = artifacts.RankedFrom(
        codes=codes.key,
        quantizer=fitted.key,
        queries=queries.key,
        structure=structure.key if structure else None,
        dense=dense.key if dense else None,
        verifier=verifier.key if verifier else None,
    )
    artifact = _search(bench, task, artifacts.ranking(bench, search, asked, made_from.inputs, about))
    return Ranking(
        hits=read_hits(artifact.folder),
        cost=_cost(bench, task, artifact),
        key=artifact.key,
        bytes_per_passage=fitted.fitted.bytes_per_passage,
        index_bytes=fitted.fitted.serialized_bytes(len(codes.array)) + (structure.size if structure else 0),
        disk_bytes=0 if dense is None else dense.array.nbytes,
    )


def rank_bm25(bench: Bench, k: int, split: str) -> Ranking:
    """Rank the passages for every query of `split` by BM25."""
    bm25, asked = lexical.index(bench), bench.queries(split)

    def build() -> Index[QueryTexts]:
        from ..indexes.bm25 import BM25Index

        return BM25Index(bm25.folder, ties_from=bench.ties_from)

    about = f"BM25, {split} queries"
    task = Task(build, QueryTexts(asked.texts, asked.own), k, "cpu", about)
    keys = {"bm25": bm25.key, "queries": asked.key}
    artifact = _search(bench, task, artifacts.ranking(bench, k, asked, keys, about))
    hits = read_hits(artifact.folder)
    lexical.warn_of_nothing(bench, hits.ids[:, 0] >= 0, f"{split} queries")
    return Ranking(
        hits=hits,
        cost=_cost(bench, task, artifact),
        key=artifact.key,
        bytes_per_passage=bm25.size / len(bench.corpus.passages),
        index_bytes=bm25.size,
        disk_bytes=0,
    )


def _search(bench: Bench, task: Task, recipe: Recipe) -> Artifact:
    """ids.npy and scores.npy of the best passages of all queries."""

    def write(folder: Path) -> None:
        hits = search_batches(task.index.search, task.queries, task.k, QUERIES_TOGETHER)
        np.save(folder / IDS, hits.ids, allow_pickle=False)
        np.save(folder / SCORES, hits.scores, allow_pickle=False)

    return bench.make(recipe, write, device=task.device)


def read_hits(folder: Path) -> Hits:
    """The hits in a ranking's artifact, memory-mapped."""
    return Hits(open_array(folder / IDS), open_array(folder / SCORES))


def _cost(bench: Bench, task: Task, ranking: Artifact) -> dict[str, Any]:
    """What the search costs on this machine: measured once if nothing disturbed it, otherwise in every run."""
    if task.device != "cpu" and len(gpus.models()) > 1:
        bench.take_gpu()  # to know its model
    here = {"machine": asdict(this_machine(task.device)), "threads": usable_threads(), "device": task.device}
    config = json.loads(processes.broadcast(json.dumps(here)))  # of the process that measures, for all processes
    recipe = artifacts.measurement(config, ranking.key, task.about)
    measured = _measured(bench, task, recipe) if processes.is_main() else {}
    cost: dict[str, Any] = json.loads(processes.broadcast(json.dumps(measured)))
    if cost["disturbed"]:
        log.warning("other runs of Labrador used this machine while the search was timed; run this cell again later")
        return cost

    def write(folder: Path) -> None:
        (folder / COST).write_text(json.dumps(cost))

    return _kept(bench.make(recipe, write))


def _measured(bench: Bench, task: Task, recipe: Recipe) -> Mapping[str, Any]:
    """The cost found in the store, or measured while no other process of this machine measures."""
    if (found := bench.store.find(recipe)) is not None:
        return _kept(found)
    if task.device != "cpu":
        bench.take_gpu()
    with measuring() as disturbed:
        if (found := bench.store.find(recipe)) is not None:  # measured by another process while this one waited
            return _kept(found)
        log.info("timing the search of %s", task.about)
        warm = task.opened  # it has just ranked all queries
        cost = measure(task.index.search, task.queries, task.k, batch_size=QUERIES_TOGETHER, warm=warm)
        return {**cost, "device": task.device, "disturbed": disturbed()}


def _kept(measurement: Artifact) -> dict[str, Any]:
    cost: dict[str, Any] = json.loads((measurement.folder / COST).read_text())
    return cost


def score(bench: Bench, ranking: Ranking, split: str, tag: str, metrics: tuple[str, ...]) -> Artifact:
    """metrics.json (with `metrics`), per_query.parquet and run.trec (with `tag`) of a ranking."""

    def write(folder: Path) -> None:
        from ..metrics.run_files import score_split

        score_split(bench.corpus, split, ranking.hits, tag, folder, metrics=metrics)

    return bench.make(artifacts.scores(bench, ranking.key, split, tag, metrics), write)
