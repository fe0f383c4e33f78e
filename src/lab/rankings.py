"""Steps on rankings: searching and scoring."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..indexes.base import Hits
from ..indexes.search import Search
from ..metrics.cost import measure, threads
from ..quantizers.base import Quantizer
from ..store import Artifact, describe
from .codes import CodeSteps
from .steps import Trained, open_array
from .vectors import QUERIES_TOGETHER


@dataclass(frozen=True)
class Ranking:
    """Ranked passages of every query of a split, and what they cost."""

    hits: Hits
    cost: dict[str, Any]  # latency_ms {"p50", "p99", and of each stage}, qps, threads, device
    key: str
    bytes_per_passage: float
    index_bytes: int
    disk_bytes: int


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

        def write(folder: Path) -> None:
            prepared = structure.folder if structure else None
            vectors = dense.array if dense else None
            index = search.build(fitted.quantizer, codes.array, vectors, prepared, verifier is not None)
            parts = [queries.array] if verifier is None else [queries.array, verifier.array]
            search_all(index, np.hstack(parts), search.k, search.device, folder)

        inputs = {"codes": codes.key, "quantizer": fitted.artifact.key, "queries": queries.key}
        if dense is not None:
            inputs["dense"] = dense.key
        if verifier is not None:
            inputs["verifier"] = verifier.key
        config = {"search": describe(search), "device": search.device, "threads": threads()}
        artifact = self.make(
            "search", "ranking", config, inputs, write, about=f"{len(queries.array):,} {split} queries"
        )
        return Ranking(
            hits=read_hits(artifact.folder),
            cost=json.loads((artifact.folder / "cost.json").read_text()),
            key=artifact.key,
            bytes_per_passage=fitted.quantizer.bytes_per_passage,
            index_bytes=fitted.quantizer.serialized_bytes(len(codes.array)) + (structure.size if structure else 0),
            disk_bytes=0 if dense is None else dense.array.nbytes,
        )

    def rank_bm25(self, k: int, split: str) -> Ranking:
        """Rank the passages for every query of `split` by BM25."""
        index = self.bm25()

        def write(folder: Path) -> None:
            from ..indexes.lexical import LexicalIndex

            search_all(LexicalIndex(index.folder), self.corpus.queries(split).texts, k, "cpu", folder)

        inputs = {"bm25": index.key, "queries": self.corpus.fingerprint(f"queries-{split}")}
        artifact = self.make(
            "search", "ranking", {"k": k, "threads": threads()}, inputs, write, about=f"BM25, {split} queries"
        )
        return Ranking(
            hits=read_hits(artifact.folder),
            cost=json.loads((artifact.folder / "cost.json").read_text()),
            key=artifact.key,
            bytes_per_passage=index.size / len(self.corpus.passages),
            index_bytes=index.size,
            disk_bytes=0,
        )

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


def search_all(index: Any, queries: Any, k: int, device: str, folder: Path) -> None:
    """Search all queries (float32 [Q, D], or Q texts for BM25), in batches and some of them one at a time.

    Writes ids.npy, scores.npy and cost.json.
    """
    hits, cost = measure(index.search, queries, k, batch_size=QUERIES_TOGETHER)
    np.save(folder / "ids.npy", hits.ids, allow_pickle=False)
    np.save(folder / "scores.npy", hits.scores, allow_pickle=False)
    (folder / "cost.json").write_text(json.dumps({**cost, "device": device}))


def read_hits(folder: Path) -> Hits:
    """What `search_all` saved, memory-mapped."""
    return Hits(open_array(folder / "ids.npy"), open_array(folder / "scores.npy"))
