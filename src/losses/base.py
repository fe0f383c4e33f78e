"""What an objective is: a loss as a component, with or without parameters of its own.

No loss imports torch before it is computed: `--help` and search.py read settings without waiting for it. A loss's own
parameters are tensors by name, and `losses` is a pure function of these and a batch. `module.ObjectiveModule` trains
them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..settings import component

if TYPE_CHECKING:
    from torch import Tensor

State = Mapping[str, "Tensor"]  # an objective's parameters by name


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
    """All queries that the batch's passages belong to: of all processes, or of this one where these are its own.

    queries [N, D]; own [B] int64: the index in them of each query of this process; shared [B, N] bool: other queries
    that share the positive of a query of this process.
    """

    queries: "Tensor"
    own: "Tensor"
    shared: "Tensor"


@dataclass(frozen=True)
class Batch:
    """The vectors of one batch: B queries (this process's share) and P passages (of all processes, or its own).

    queries [B, D]; passages [P, D], no passage twice: first the queries' positives, then hard negatives;
    positives [B] int64: the index in `passages` of each query's positive; masked [B, P] bool: passages that must not
    count as negatives of the query (its other positives); `step`: optimizer steps done, for schedules. `everyone` is
    there for objectives that ask for it (`Objective.crosses_queries`), `decoded` [P, D] for frozen passages with codes:
    what these stand for.
    """

    queries: "Tensor"
    passages: "Tensor"
    positives: "Tensor"
    masked: "Tensor"
    step: int
    roles: Roles
    everyone: Everyone | None = None
    decoded: "Tensor | None" = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of an objective's own: its first value, and its learning rate at the peak (0: it is not trained)."""

    value: "Tensor"
    learning_rate: float


@component
class Objective(ABC):
    """A training loss as a component.

    It declares its settings with `setting` (settings.py). A retriever holds it with `nested(...)`, so the command line
    sets them as the retriever's: `retriever.alpha=0.2`.
    """

    keeps_best: ClassVar[bool] = False  # whether train.keep=auto keeps the best dev rank, as its paper's code does
    lexical: ClassVar[bool] = False  # whether a term of its own has hard negatives of a second kind (Example.lexical)
    version: ClassVar[int] = 1  # raised when the same settings give another loss than before

    @property
    def crosses_queries(self) -> bool:
        """Whether a query's loss depends on the other queries of the batch (`Batch.everyone`)."""
        return False

    def parameters(self, dimension: int) -> dict[str, Parameter]:
        """Its own parameters for vectors [N, dimension]; torch's seed is set before the call."""
        return {}

    @abstractmethod
    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        """Per-query losses [B] by name; the mean of "loss" over the global batch is trained, the others are logged."""

    def ranked(self, queries: "Tensor", passages: "Tensor", state: State) -> tuple["Tensor", "Tensor"]:
        """Query vectors [Q, D] and passage vectors [P, D] as the trained search ranks them, by inner product."""
        return queries, passages
