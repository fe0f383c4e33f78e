"""What an objective is: a loss on the vectors of a batch, with or without parameters of its own. Imports no torch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from .module import ObjectiveModule


@dataclass(frozen=True)
class Roles:
    """What the passages of a batch are there for, bool [P] each; one can be there for several.

    positive: as the positive of a query; drawn: as one of the hard negatives drawn for a query; lexical: as one of the
    second kind (`Example.lexical`). Queries of all processes count where their passages do.
    """

    positive: "Tensor"
    drawn: "Tensor"
    lexical: "Tensor"


@dataclass(frozen=True)
class Everyone:
    """All queries that the batch's passages are of: of all processes, or of this one where these are its own.

    queries [N, D]; own [B] int64: the row in them of each query of this process; shared [B, N] bool: other queries of
    which the positive of a query of this process is a positive, too.
    """

    queries: "Tensor"
    own: "Tensor"
    shared: "Tensor"


@dataclass(frozen=True)
class Batch:
    """The vectors of one batch: B queries (this process's share) and P passages (of all processes, or its own).

    queries [B, D]; passages [P, D], no passage twice: first the queries' positives, then hard negatives;
    positives [B] int64: the row in `passages` of each query's positive; masked [B, P] bool: passages that must not
    count as negatives of the query (its other positives); `step`: optimizer steps done, for schedules. `everyone` is
    there for objectives that ask for it (`ObjectiveModule.crosses_queries`).
    """

    queries: "Tensor"
    passages: "Tensor"
    positives: "Tensor"
    masked: "Tensor"
    step: int
    roles: Roles
    everyone: Everyone | None = None


@dataclass(frozen=True)
class Objective(ABC):
    """A training objective as a component: its fields are its settings.

    keeps_best: whether train.keep=auto keeps the checkpoint with the best dev rank, as its paper's code does.
    """

    keeps_best: ClassVar[bool] = False

    version: ClassVar[int] = 1  # raised when the same settings come to give another loss

    @abstractmethod
    def build(self, dimension: int) -> "ObjectiveModule":
        """The trainable form for vectors of `dimension`; torch's seed is set before the call."""
