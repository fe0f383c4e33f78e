"""search=two_stage: candidates by their codes, ranked again by a better score (BPR, section 3; BiDR, section 3.4)."""

from dataclasses import replace
from time import perf_counter
from typing import Literal, Self

import numpy as np

from ..machine.threads import for_queries
from ..settings import component, setting
from .base import Floats, Hits, Index, Ints, QueryVectors, VectorIndex, checked
from .rerank import Reranker, by_codes, by_vectors
from .scan import scan
from .search import Search, Searchable
from .ties import by_score

Rerank = Literal["auto", "codes", "dense"]
QUERIES = 64  # reranked together: their candidates' vectors are read once


@component
class TwoStage(Search):
    """Takes candidates by the codes and ranks them by the continuous query's inner product.

    rerank=codes: with the decoded codes (BPR); nothing but codes is kept. rerank=dense: with the full vectors; those of
    the candidates are read from disk (BiDR's post verification). rerank=auto: dense where the retriever has a second
    encoder for it, the verifier, else codes. Rankings have at most `candidates`.
    """

    candidates: int = setting(1000, "passages per query to rerank", ge=1)
    rerank: Rerank = setting(
        "auto", "rerank by decoded codes, or by full vectors on disk (dense); auto: dense for bidr, else codes"
    )

    def resolved(self, verified: bool) -> Self:
        """This search with rerank=auto decided: dense where the retriever has a verifier, else codes."""
        if self.rerank != "auto":
            return self
        return replace(self, rerank="dense" if verified else "codes")

    @property
    def depth(self) -> int:
        """How many candidates per query are taken from the codes."""
        return self.candidates

    @property
    def needs_vectors(self) -> bool:
        """The dense rerank reads the full vectors; auto must be `resolved` before it is known."""
        return self.rerank == "dense"

    def build(self, passages: Searchable) -> "TwoStageIndex":
        """The index of the codes and a reranker; auto is resolved by `passages.verified`.

        Raises ValueError without the vectors it needs, or with vectors that no query has the dimension of.
        """
        return TwoStageIndex(self.first_stage(passages), self.reranker(passages), self.candidates, passages.verified)

    def first_stage(self, passages: Searchable) -> VectorIndex:
        """The index that finds the candidates."""
        return scan(passages, self.device)

    def reranker(self, passages: Searchable) -> Reranker:
        """What ranks the candidates."""
        if self.resolved(passages.verified).rerank == "codes":
            return by_codes(passages.fitted, passages.codes)
        vectors, count = passages.vectors, len(passages.codes)
        if vectors is None or len(vectors) != count:
            raise ValueError(f"rerank=dense needs the {count} passages' full vectors")
        if not passages.verified and vectors.shape[1] != passages.fitted.dimension:
            raise ValueError(f"vectors of {vectors.shape[1]} dimensions for queries of {passages.fitted.dimension}")
        return by_vectors(vectors)


class TwoStageIndex(Index[QueryVectors]):
    """Takes the `candidates` best of `first` and ranks them again.

    Gives exactly what ranking all of these candidates by the reranker's score gives. verified: the reranker scores the
    queries' `verifier` vectors, else the ones that found the candidates.
    """

    def __init__(self, first: VectorIndex, reranker: Reranker, candidates: int, verified: bool = False) -> None:
        super().__init__(first.size, first.ties_from)
        self.first, self.reranker, self.candidates, self.verified = first, reranker, candidates, verified

    def search(self, queries: QueryVectors, k: int) -> Hits:
        """The k best passages of each query without its own; k beyond the candidates is cut to them.

        The stages of the hits are "candidates" and "rerank". Raises LabradorError on queries of another width, and on
        vectors that are NaN, infinite or zero.
        """
        return self.search_both(queries, k)[1]

    def search_both(self, queries: QueryVectors, k: int) -> tuple[Hits, Hits]:
        """All candidates as the first stage ranks them, and what `search` returns."""
        start = perf_counter()
        vectors = self._scored(queries)
        k, own = min(self.cut(k), self.candidates), queries.own
        more = 0 if own is None else 1
        found = self.first.search(QueryVectors(queries.vectors), min(self.candidates + more, self.size))
        if own is not None and found.ids.shape[1] > self.candidates:
            found = found.without(own, self.candidates)
        middle = perf_counter()
        hits = self.rerank(vectors, found.ids, min(k + more, found.ids.shape[1]))
        if own is not None:  # where all passages are candidates it is still among them
            hits = hits.without(own, k)
        stages = {"candidates": 1000 * (middle - start), "rerank": 1000 * (perf_counter() - middle)}
        return found, replace(hits, stages=stages)

    def _scored(self, queries: QueryVectors) -> Floats:
        """The query vectors that the reranker scores."""
        if (queries.verifier is not None) != self.verified:
            raise ValueError("query vectors of the verifier: expected them where the passages' are the verifier's")
        return checked(queries.vectors if queries.verifier is None else queries.verifier, self.reranker.dimension)

    def rerank(self, queries: Floats, candidates: Ints, k: int) -> Hits:
        """The k best of `candidates` int64 [Q, C], distinct passages, for the queries that the reranker takes."""
        best = Hits(np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32))
        for start in range(0, len(queries), QUERIES):
            part = slice(start, start + QUERIES)
            places = np.sort((candidates[part] - self.ties_from) % self.size, axis=1)
            ids = (places + self.ties_from) % self.size
            with for_queries(len(ids)):
                scores = self.reranker.score(queries[part], ids)
            hits = by_score(ids, scores, k)
            best.ids[part], best.scores[part] = hits.ids, hits.scores
        return best
