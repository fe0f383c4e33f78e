"""Samplers: which queries, positives and hard negatives form a batch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple, Self

from ..arrays.ragged import Ragged
from ..errors import LabradorError, SettingError
from ..settings import component, setting

PositiveChoice = Literal["auto", "first", "any"]


class Example(NamedTuple):
    """One training example, by the numbers of train queries and passages.

    lexical: a second kind of hard negatives, found by BM25, for an objective that has a term for them.
    """

    query: int
    positive: int
    negatives: tuple[int, ...]
    lexical: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pool:
    """What a sampler draws from: lists of passages for each train query of a train set.

    positives: in the source's order; a query without one is never drawn. candidates: best first, without spared ones;
    None for samplers that draw from no candidates. passages: how many the corpus has. relevant: the spared passages of
    each query, if they are more than its positives.
    """

    positives: Ragged
    candidates: Ragged | None
    passages: int
    batch_size: int
    seed: int
    relevant: Ragged | None = None

    @property
    def spared(self) -> Ragged:
        """The passages that are never negatives of each query."""
        return self.positives if self.relevant is None else self.relevant


@component
class Sampler(ABC):
    """Forms batches of query and passage numbers, without texts or tensors. Deterministic per (pool.seed, epoch)."""

    mined_by: ClassVar[Literal["nothing", "bm25", "checkpoint"]] = "nothing"  # where the candidates come from
    with_bm25: ClassVar[bool] = False  # mined by a checkpoint: BM25's candidates come first, in lists of their own
    from_start: ClassVar[bool] = False  # mined by a checkpoint: whether training then starts over
    version: ClassVar[int] = 1  # raised when the same settings give other batches than before

    negatives: int = setting(1, "hard negatives per query, in addition to the in-batch negatives", ge=0)
    depth: int = setting(100, "hard negatives are drawn from this many top-ranked passages", ge=1)
    positive: PositiveChoice = setting(
        "auto",
        "a query's positive: the first in its list, or any, drawn each time; auto: first for nq and trivia, else any",
    )

    def __post_init__(self) -> None:
        if self.mined_by != "nothing" and self.negatives > self.depth:
            raise SettingError("negatives", self.negatives, f"at most depth={self.depth}", "lower it, or raise depth")

    def resolved(self, positive: Literal["first", "any"]) -> Self:
        """This sampler with `positive: auto` replaced by the data's choice (`Corpus.positive`)."""
        return replace(self, positive=positive) if self.positive == "auto" else self

    def check(self, passages: int, spared: Ragged) -> None:
        """Raise LabradorError when a corpus of so many passages is too small for the negatives of a query.

        spared: the passages that are never negatives of each query.
        """
        spare = passages - int(spared.lengths.max(initial=0))
        if self.negatives > spare:
            raise LabradorError(
                f"sampler.negatives={self.negatives}: a query has only {spare} passages that are not its positives; "
                f"set sampler.negatives={max(0, spare)}, or use a larger corpus"
            )

    @abstractmethod
    def batches(self, pool: Pool, epoch: int) -> Iterator[list[Example]]:
        """Yield the batches of one epoch, with every query that has a positive; only the last may be smaller."""
