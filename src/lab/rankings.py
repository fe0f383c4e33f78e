"""Steps on codes and rankings: fitting quantizers, writing codes, searching, scoring."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..encoders.checkpoint import Checkpoint
from ..indexes.base import Hits
from ..indexes.search import Search
from ..metrics.cost import measure, threads
from ..quantizers.base import FittedQuantizer, Quantizer, TrainingVectors
from ..store import Artifact, describe
from .steps import Stored, open_array
from .vectors import QUERIES_TOGETHER, VectorSteps


@dataclass(frozen=True)
class Fitted:
    """A trained quantizer and the artifact that holds it."""

    quantizer: FittedQuantizer
    artifact: Artifact


@dataclass(frozen=True)
class Trained:
    """What a method's training leaves: the checkpoint that encodes queries and passages for candidate search."""

    search: Checkpoint


@dataclass(frozen=True)
class Ranking:
    """Ranked passages of every query of a split, and what they cost."""

    hits: Hits
    cost: dict[str, Any]  # latency_ms {"p50", "p99"}, qps, threads, device
    key: str
    bytes_per_passage: float
    index_bytes: int
    disk_bytes: int


class RankingSteps(VectorSteps):
    """Quantizers, codes, rankings, scores."""

    def fit_quantizer(self, quantizer: Quantizer, passages: Stored) -> Fitted:
        """Learn the quantizer on passage vectors."""

        def write(folder: Path) -> None:
            quantizer.fit(TrainingVectors(passages.array), self.seed).save(folder)

        name = type(quantizer).__name__
        config = {"quantizer": describe(quantizer), "seed": self.seed if quantizer.seeded else None}
        artifact = self.make(
            "quantize", "quantizer", config, {"vectors": passages.key}, write, about=f"{name}, trained"
        )
        return Fitted(quantizer.load(artifact.folder), artifact)

    def codes(self, fitted: Fitted, passages: Stored) -> Stored:
        """The codes of all passages, uint8 [N, code_bytes]; for flat, the stored vectors themselves."""
        in_place = fitted.quantizer.codes_in_place(passages.array)
        if in_place is not None:
            return Stored(in_place, passages.key)

        def write(folder: Path) -> None:
            shape = (len(passages.array), fitted.quantizer.code_bytes)
            with (folder / "codes.npy").open("wb") as file:
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for block in fitted.quantizer.encode_blocks(passages.array):
                    file.write(block.tobytes())

        inputs = {"quantizer": fitted.artifact.key, "vectors": passages.key}
        artifact = self.make("quantize", "codes", {}, inputs, write, about=f"{len(passages.array):,} passages")
        return Stored(open_array(artifact.folder / "codes.npy"), artifact.key)

    def rank(self, trained: Trained, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        """Rank the passages for every query of `split`: by the quantizer's codes, in one or two stages."""
        passages, queries = self.passages(trained.search), self.queries(trained.search, split)
        fitted = self.fit_quantizer(quantizer, passages)
        codes = self.codes(fitted, passages)
        vectors = passages.array if search.needs_vectors else None

        def write(folder: Path) -> None:
            index = search.build(fitted.quantizer, codes.array, vectors)
            search_all(index, np.asarray(queries.array, dtype=np.float32), search.k, search.device, folder)

        inputs = {"codes": codes.key, "quantizer": fitted.artifact.key, "queries": queries.key}
        config = {"search": describe(search), "device": search.device, "threads": threads()}
        artifact = self.make(
            "search", "ranking", config, inputs, write, about=f"{len(queries.array):,} {split} queries"
        )
        return Ranking(
            hits=read_hits(artifact.folder),
            cost=json.loads((artifact.folder / "cost.json").read_text()),
            key=artifact.key,
            bytes_per_passage=fitted.quantizer.bytes_per_passage,
            index_bytes=fitted.quantizer.serialized_bytes(len(codes.array)),
            disk_bytes=0 if vectors is None else vectors.nbytes,
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
