"""New queries to a finished run's index, with its own encoder, codes and search."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders.numpy_bert import EncodeQuestions, question_encoder, with_transformers
from ..errors import LabradorError
from ..indexes.base import Hits, QueryTexts, QueryVectors
from ..indexes.two_stage import TwoStageIndex
from .artifacts import RunArtifacts
from .runs import FinishedRun

log = logging.getLogger(__name__)

LEAST_COSINE = 0.999  # of a query's vector with the run's own; bfloat16 stays above it


@dataclass(frozen=True)
class Answer:
    """A passage that was found: its rank from 1, its score, and, after a rerank, its place among the candidates.

    stage: what gave the final score ("bm25", "codes", "rerank"); candidate: rank from 1 by the codes, out of
    `candidates`.
    """

    rank: int
    score: float
    pid: str
    title: str
    text: str
    stage: str
    candidate: int | None = None
    candidate_score: float | None = None
    candidates: int | None = None


@dataclass(frozen=True)
class Found:
    """The hits of one query, the stage that scored them, and the candidates that they were reranked from."""

    stage: str
    hits: Hits
    candidates: Hits | None = None


class Searcher:
    """A finished run, opened for queries. Raises LabradorError where the store lacks an artifact of the run."""

    def __init__(self, run: FinishedRun) -> None:
        artifacts = RunArtifacts(run)
        self._corpus = artifacts.corpus
        self._find = _by_vectors(artifacts) if artifacts.lexical is None else _by_terms(artifacts)

    def search(self, query: str, k: int) -> list[Answer]:
        """The k best passages for a query, best first; fewer where fewer are found."""
        passages = self._corpus.passages
        found = self._find(self._corpus.question(query), k)
        kept = found.hits.ids[0] >= 0
        ids, scores = found.hits.ids[0][kept], found.hits.scores[0][kept].tolist()
        answers: list[Answer] = []
        for number, score, pid, (title, text) in zip(ids, scores, passages.pids(ids), passages.read(ids), strict=True):
            before: dict[str, Any] = {}
            if found.candidates is not None:
                place = int(np.flatnonzero(found.candidates.ids[0] == number)[0])
                before = {"candidate": place + 1, "candidate_score": float(found.candidates.scores[0, place])}
                before["candidates"] = found.candidates.ids.shape[1]
            answers.append(Answer(len(answers) + 1, score, pid, title, text, found.stage, **before))
        return answers


Find = Callable[[str, int], Found]  # query, k -> what was found


def _by_terms(artifacts: RunArtifacts) -> Find:
    from ..indexes.bm25 import BM25Index

    assert artifacts.lexical is not None
    index = BM25Index(artifacts.lexical.folder, ties_from=artifacts.ties_from)
    return lambda query, k: Found("bm25", index.search(QueryTexts([query]), k))


def _by_vectors(artifacts: RunArtifacts) -> Find:
    encode = _agreeing(artifacts)
    verify = _agreeing(artifacts, verifier=True) if artifacts.verified else None
    index = artifacts.search.build(artifacts.searchable)

    def find(query: str, k: int) -> Found:
        queries = QueryVectors(encode([query]), verify([query]) if verify else None)
        if isinstance(index, TwoStageIndex):
            candidates, hits = index.search_both(queries, k)
            return Found("rerank", hits, candidates)
        return Found("codes", index.search(queries, k))

    return find


def _agreeing(artifacts: RunArtifacts, *, verifier: bool = False) -> EncodeQuestions:
    """The encoder that gives the run's first query the vector it had; raises LabradorError if none does."""
    checkpoint, known = artifacts.queries(verifier=verifier)
    texts = artifacts.corpus.queries(artifacts.run.split).texts[:1]
    encode = question_encoder(checkpoint)
    if _agree(encode, texts, known):
        return encode
    log.debug("%s: a tokenizer or model that only transformers reads", checkpoint.key)
    encode = with_transformers(checkpoint)
    if _agree(encode, texts, known):
        return encode
    raise LabradorError(
        f"run={artifacts.run.folder}: its encoder gives a query another vector than in the run (other versions of "
        f"libraries?); run the cell again in a new store: {artifacts.run.command} store=FOLDER"
    )


def _agree(encode: EncodeQuestions, texts: Sequence[str], known: NDArray[np.float32]) -> bool:
    """Whether the vectors of `texts` are the first of `known` [Q, D], up to rounding."""
    ours, theirs = encode(texts), np.asarray(known[: len(texts)])
    if ours.shape != theirs.shape:
        return False
    cosines = np.einsum("qd,qd->q", ours, theirs) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    return bool((cosines > LEAST_COSINE).all())
