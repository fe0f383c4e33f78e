"""Answers from a finished run's index: its own encoder, codes and search, for questions of one's own."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders.numpy_bert import EncodeQuestions, question_encoder, with_transformers
from ..errors import LabradorError
from ..indexes.base import Hits, QueryTexts, QueryVectors
from ..indexes.search import Search, Searchable
from ..indexes.two_stage import TwoStageIndex
from .artifacts import RunArtifacts
from .runs import FinishedRun

log = logging.getLogger(__name__)

LEAST_COSINE = 0.999  # of a question's vector with the run's own; bfloat16 stays above it


@dataclass(frozen=True)
class Answer:
    """A passage that was found: its rank from 1, its score, and, where candidates were reranked, its place among them.

    stage: what gave the final score ("words", "codes", "rerank"); candidate: rank from 1 by the codes.
    """

    rank: int
    score: float
    pid: str
    title: str
    text: str
    stage: str
    candidate: int | None = None
    candidate_score: float | None = None
    candidates: int | None = None  # how many there were


class Searcher:
    """A finished run, opened for questions. Raises LabradorError where the store lacks an artifact of the run."""

    def __init__(self, run: FinishedRun) -> None:
        artifacts = RunArtifacts(run)
        self._corpus = artifacts.corpus
        lexical = artifacts.lexical
        self._find = _by_vectors(artifacts) if lexical is None else _by_words(lexical.folder, artifacts.ties_from)

    def ask(self, question: str, k: int) -> list[Answer]:
        """The k best passages for a question, best first; fewer where fewer are found."""
        passages = self._corpus.passages
        stage, found, hits = self._find(self._corpus.question(question), k)
        kept = hits.ids[0] >= 0
        rows, scores = hits.ids[0][kept], hits.scores[0][kept].tolist()
        pids, texts = passages.pids(rows), passages.read(rows)
        answers = []
        for rank, (row, score, pid, (title, text)) in enumerate(zip(rows, scores, pids, texts, strict=True), start=1):
            before: dict[str, Any] = {}
            if found is not None:
                place = int(np.flatnonzero(found.ids[0] == row)[0])
                before = {"candidate": place + 1, "candidate_score": float(found.scores[0, place])}
                before["candidates"] = found.ids.shape[1]
            answers.append(Answer(rank, score, pid, title, text, stage, **before))
        return answers


Find = Callable[[str, int], tuple[str, Hits | None, Hits]]  # question, k -> stage, candidates, hits of one query


def _by_words(folder: Any, ties_from: int) -> Find:
    from ..indexes.bm25 import BM25Index

    index = BM25Index(folder, ties_from=ties_from)
    return lambda question, k: ("words", None, index.search(QueryTexts([question]), k))


def _by_vectors(artifacts: RunArtifacts) -> Find:
    search: Search = artifacts.search
    encode = _agreeing(artifacts, "queries")
    verify = _agreeing(artifacts, "verifier") if "verifier" in artifacts.inputs else None
    index = search.build(
        Searchable(
            artifacts.quantizer,
            artifacts.codes,
            artifacts.ties_from,
            vectors=artifacts.vectors,
            verified=verify is not None,
            prepared=artifacts.structure,
        )
    )

    def find(question: str, k: int) -> tuple[str, Hits | None, Hits]:
        queries = QueryVectors(encode([question]), verify([question]) if verify else None)
        if isinstance(index, TwoStageIndex):
            found, hits = index.search_both(queries, k)
            return "rerank", found, hits
        return "codes", None, index.search(queries, k)

    return find


def _agreeing(artifacts: RunArtifacts, side: str) -> EncodeQuestions:
    """The encoder of questions that gives the run's first question the vector it had; raises LabradorError if none."""
    checkpoint, known = artifacts.questions(side)
    texts = artifacts.corpus.queries(artifacts.run.split).texts[:1]
    encode = question_encoder(checkpoint)
    if _agree(encode, texts, known):
        return encode
    log.debug("%s: another tokenizer or model than is read without transformers", checkpoint.key)
    encode = with_transformers(checkpoint)
    if _agree(encode, texts, known):
        return encode
    raise LabradorError(
        f"run={artifacts.run.folder}: its encoder gives a question another vector than in the run (other versions of "
        f"its libraries?); the same one was expected; run the cell again in a new store: {artifacts.run.command} "
        "store=FOLDER"
    )


def _agree(encode: EncodeQuestions, texts: Sequence[str], known: NDArray[np.float32]) -> bool:
    """Whether the vectors of `texts` are the first of `known` [Q, D], up to rounding."""
    ours, theirs = encode(texts), np.asarray(known[: len(texts)])
    if ours.shape != theirs.shape:
        return False
    cosines = np.einsum("qd,qd->q", ours, theirs) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    return bool((cosines > LEAST_COSINE).all())
