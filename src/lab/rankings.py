"""Steps on rankings: searching, measuring what a search costs, and scoring."""

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
from ..indexes.ties import tie_start
from ..machine import gpus, processes
from ..machine.hardware import this_machine
from ..machine.measuring import measuring
from ..machine.threads import usable_threads
from ..metrics.cost import measure, search_batches
from ..quantizers.base import Quantizer
from ..store import Artifact, describe
from .codes import CodeSteps
from .steps import Trained
from .vectors import QUERIES_TOGETHER

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
class Asked:
    """One search of all queries of a split, by the index that `build` gives when it is first needed."""

    build: Callable[[], Index[Any]]
    queries: QueryVectors | QueryTexts
    k: int
    device: str
    about: str  # the queries, in words

    @cached_property
    def index(self) -> Index[Any]:
        """What searches; built once."""
        return self.build()

    @property
    def search(self) -> Callable[[Any, int], Hits]:
        """The search of the index."""
        return self.index.search

    @property
    def opened(self) -> bool:
        """Whether the index is there."""
        return "index" in vars(self)


class RankingSteps(CodeSteps):
    """Rankings and scores."""

    def rank(self, trained: Trained, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        """Rank the passages for every query of `split`: by the quantizer's codes, in one or two stages.

        A quantizer that was trained together with the encoder is used where `quantizer` is of its kind.
        """
        search = search.resolved(verified=trained.rerank is not None)
        queries = self.queries(trained.query or trained.search, split)
        fitted = trained.quantizer
        if fitted is None or type(fitted.component) is not type(quantizer):
            fitted = self.fit_quantizer(quantizer, trained.search)
        codes = self.codes(fitted, trained.search)
        structure = self.structure(search, fitted, codes)
        dense = self.passages(trained.rerank or trained.search) if search.needs_vectors else None
        verifier = None  # query vectors of the second stage, where it has an encoder of its own
        if trained.rerank is not None and dense is not None:
            verifier = self.queries(trained.query or trained.rerank, split)

        passages = Searchable(
            fitted.quantizer,
            codes.array,
            self.ties_from,
            vectors=dense.array if dense else None,
            verified=verifier is not None,
            prepared=structure.folder if structure else None,
        )

        inputs = {"codes": codes.key, "quantizer": fitted.artifact.key, "queries": queries.key}
        if structure is not None:
            inputs["structure"] = structure.key
        if dense is not None:
            inputs["dense"] = dense.key
        if verifier is not None:
            inputs["verifier"] = verifier.key
        config = {"search": describe(search), "device": search.device}
        asked = QueryVectors(queries.array, verifier.array if verifier else None, self.corpus.own(split))
        about = f"{len(asked):,} {split} queries"
        task = Asked(lambda: search.build(passages), asked, search.k, search.device, about)
        artifact = self._search(task, config, inputs | self.left_out(split))
        return Ranking(
            hits=read_hits(artifact.folder),
            cost=self._cost(task, artifact),
            key=artifact.key,
            bytes_per_passage=fitted.quantizer.bytes_per_passage,
            index_bytes=fitted.quantizer.serialized_bytes(len(codes.array)) + (structure.size if structure else 0),
            disk_bytes=0 if dense is None else dense.array.nbytes,
        )

    def rank_bm25(self, k: int, split: str) -> Ranking:
        """Rank the passages for every query of `split` by BM25."""
        bm25 = self.bm25()

        def build() -> Index[QueryTexts]:
            from ..indexes.lexical import LexicalIndex

            return LexicalIndex(bm25.folder, ties_from=self.ties_from)

        inputs = {"bm25": bm25.key, "queries": self.corpus.fingerprint(f"queries-{split}")}
        asked = QueryTexts(self.corpus.queries(split).texts, self.corpus.own(split))
        task = Asked(build, asked, k, "cpu", f"BM25, {split} queries")
        artifact = self._search(task, {"k": k}, inputs | self.left_out(split))
        self.warn_of_nothing(read_hits(artifact.folder).ids[:, 0] >= 0, f"{split} questions")
        return Ranking(
            hits=read_hits(artifact.folder),
            cost=self._cost(task, artifact),
            key=artifact.key,
            bytes_per_passage=bm25.size / len(self.corpus.passages),
            index_bytes=bm25.size,
            disk_bytes=0,
        )

    @property
    def ties_from(self) -> int:
        """The passage row that equal scores go to first, decided by the seed."""
        return tie_start(self.seed, len(self.corpus.passages))

    def _search(self, task: Asked, config: Mapping[str, Any], inputs: Mapping[str, str]) -> Artifact:
        """ids.npy and scores.npy of the best passages of all queries."""
        config = {**config, "ties_from": self.ties_from}

        def write(folder: Path) -> None:
            hits = search_batches(task.search, task.queries, task.k, QUERIES_TOGETHER)
            np.save(folder / IDS, hits.ids, allow_pickle=False)
            np.save(folder / SCORES, hits.scores, allow_pickle=False)

        return self.make("search", "ranking", config, inputs, write, device=task.device, about=task.about)

    def _cost(self, task: Asked, ranking: Artifact) -> dict[str, Any]:
        """What the search costs on this machine: measured once where nothing disturbed it, else in every run."""
        if task.device != "cpu" and len(gpus.models()) > 1:
            self.take_gpu()  # to know of which model it is
        here = {"machine": asdict(this_machine(task.device)), "threads": usable_threads(), "device": task.device}
        config = json.loads(processes.broadcast(json.dumps(here)))  # of the process that measures, on all machines
        inputs = {"ranking": ranking.key}
        measured = self._measured(task, config, inputs) if processes.is_main() else {}
        cost: dict[str, Any] = json.loads(processes.broadcast(json.dumps(measured)))
        if cost["disturbed"]:
            log.warning(
                "other runs of Labrador used this machine while the search was timed; run this cell again later"
            )
            return cost

        def write(folder: Path) -> None:
            (folder / COST).write_text(json.dumps(cost))

        artifact = self.make("", "measurement", config, inputs, write, about=task.about)
        kept: dict[str, Any] = json.loads((artifact.folder / COST).read_text())
        return kept

    def _measured(self, task: Asked, config: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
        """The cost as the store has it, or measured while no other process of this machine measures."""

        def kept() -> dict[str, Any] | None:
            found = self.find("measurement", config, inputs)
            return json.loads((found.folder / COST).read_text()) if found else None

        known = kept()
        if known is not None:
            return known
        if task.device != "cpu":
            self.take_gpu()
        with measuring() as disturbed:
            known = kept()  # of another process, while this one waited
            if known is not None:
                return known
            log.info("timing the search of %s", task.about)
            warm = task.opened  # because it has just ranked all queries
            cost = measure(task.search, task.queries, task.k, batch_size=QUERIES_TOGETHER, warm=warm)
            return {**cost, "device": task.device, "disturbed": disturbed()}

    def score(self, ranking: Ranking, split: str, tag: str, metrics: tuple[str, ...]) -> Artifact:
        """metrics.json (with `metrics`), per_query.parquet and run.trec (with `tag`) of a ranking."""
        answers = self.corpus.scored_by == "answers"

        def write(folder: Path) -> None:
            from ..metrics.scoring import score_split

            score_split(self.corpus, split, ranking.hits, tag, folder, metrics=metrics)

        judged = f"queries-{split}" if answers else f"qrels-{split}"
        inputs = {"ranking": ranking.key, "judgements": self.corpus.fingerprint(judged)}
        config = {"scored_by": self.corpus.scored_by, "tag": tag, "metrics": list(metrics)}
        return self.make("", "scores", config, inputs, write, about=f"{split} queries")


def read_hits(folder: Path) -> Hits:
    """What a ranking's artifact holds, memory-mapped."""
    return Hits(open_array(folder / IDS), open_array(folder / SCORES))
