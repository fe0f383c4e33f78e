"""From a sampler's examples to the token tensors that one process works on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ..arrays.ragged import Ragged
from ..encoders.tokens import Tokens, pad
from ..samplers.batch import distinct_passages, other_positives, other_queries, roles_of
from .base import Epoch, Examples
from .frozen import FrozenPassages


class Part(NamedTuple):
    """The examples that go through the encoder together, over all processes, and how many their whole batch has."""

    examples: Examples
    batch: int


class Parts(Sampler[Any]):
    """The parts of an epoch's batches, in order: every batch gives `accumulation` of them, the last perhaps fewer.

    The parts are the same in every process and for every number of workers.
    """

    def __init__(self, epoch_batches: Epoch, batch_size: int, accumulation: int) -> None:
        self._make, self._batch_size, self._part = epoch_batches, batch_size, batch_size // accumulation
        self._epoch, self._batches = 0, epoch_batches(0)
        self._steps = len(self._batches)

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of `epoch`. Raises ValueError when a sampler breaks its contract."""
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._make(epoch)
        sizes = {len(batch) for batch in self._batches[:-1]} - {self._batch_size}
        if sizes or len(self._batches) != self._steps or not 0 < len(self._batches[-1]) <= self._batch_size:
            raise ValueError(
                f"epoch {epoch} has {len(self._batches)} batches, with sizes {sizes} besides {self._batch_size}; "
                f"expected {self._steps} of that size, of which the last may be smaller"
            )

    @property
    def steps(self) -> int:
        """Batches of an epoch, each an optimizer step."""
        return self._steps

    def __len__(self) -> int:
        return (self._steps - 1) * (self._batch_size // self._part) + -(-len(self._batches[-1]) // self._part)

    def __iter__(self) -> Iterator[Any]:
        """Yield `Part`s."""
        for batch in self._batches:
            for first in range(0, len(batch), self._part):
                yield Part(batch[first : first + self._part], len(batch))


class Loader(DataLoader[Any]):
    """A DataLoader whose epoch decides its batches. (transformers.Trainer calls `set_epoch`.)"""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        sampler: Any = self.batch_sampler
        sampler.set_epoch(epoch)


class Lookup(Dataset[Any]):
    """A dataset for samplers that yield the data itself instead of indices."""

    def __getitem__(self, item: Any) -> Any:
        return item


def share(count: int, rank: int, world: int) -> slice:
    """The rows of process `rank` of `world` when `count` rows are shared out: contiguous, sizes differing by one."""
    return slice(count * rank // world, count * (rank + 1) // world)


class Texts(TypedDict):
    """Texts to be encoded, [B, L], of which the first `kept` count.

    Of frozen passages their vectors [B, D] instead and, where they have codes, too, what these stand for.
    """

    input_ids: NotRequired[Tensor]
    attention_mask: NotRequired[Tensor]
    token_type_ids: NotRequired[Tensor]
    vectors: NotRequired[Tensor]
    decoded: NotRequired[Tensor]
    kept: int


class EveryoneInputs(TypedDict):
    """What `losses.base.Everyone` is made from; counts: queries of each process, or of this one alone."""

    counts: list[int]
    own: Tensor
    shared: Tensor


class Inputs(TypedDict):
    """What one process works on, of one part of a batch.

    passage_counts: passages of each process, or of this one alone where they are not gathered; positives, masked,
    roles: as in `losses.base.Batch`; weight: processes / queries of the batch: the mean over processes, which gradients
    are averaged to, summed over the batch's parts, is then the mean over its queries; everyone: where the objective
    asks for it.
    """

    queries: Texts
    passages: Texts
    passage_counts: list[int]
    positives: Tensor
    masked: Tensor
    roles: dict[str, Tensor]
    weight: float
    everyone: NotRequired[EveryoneInputs]


@dataclass(frozen=True)
class Collate:
    """Turns the examples of a part into one process's inputs of the model; each takes an equal share of the queries.

    Gathered: every distinct passage of the part is encoded once, by one of the processes, which share them equally,
    too, and each scores its queries against all of them (cross-batch negatives). Not gathered: each encodes the
    distinct passages of its own examples and scores its queries against these alone (in-batch negatives). A process
    without a query or a passage (in a small last part) encodes one and keeps none, so that all take part in the same
    steps.
    """

    queries: Tokens
    passages: Tokens | FrozenPassages
    positives: Ragged
    pad_id: int
    rank: int = 0
    world: int = 1
    gathered: bool = True
    segments: bool = False  # of the passages' token ids
    crosses_queries: bool = False  # whether the loss needs the queries of all passages

    def __call__(self, fetched: Part | list[Any]) -> Inputs:
        """Inputs of `TrainableEncoder.forward`; DataLoader hands a fetched part over as a list."""
        examples, batch = fetched
        mine = share(len(examples), self.rank, self.world)
        scored = examples if self.gathered else examples[mine]  # whose passages this process's queries meet
        own = np.arange(len(scored))[mine] if self.gathered else np.arange(len(scored))
        rows, positives = distinct_passages(scored)
        parts = self.world if self.gathered else 1
        shares = [rows[share(len(rows), rank, parts)] for rank in range(parts)]
        queries = np.array([example.query for example in scored], dtype=np.int64)
        asked, positives = queries[own], positives[own]
        inputs: Inputs = {
            "queries": self._inputs(self.queries, asked, examples[0].query, segments=False),
            "passages": self._inputs(
                self.passages, shares[self.rank % parts], examples[0].positive, segments=self.segments
            ),
            "passage_counts": [len(part) for part in shares],
            "positives": torch.from_numpy(positives),
            "masked": torch.from_numpy(other_positives(asked, positives, rows, self.positives)),
            "roles": {name: torch.from_numpy(marks) for name, marks in roles_of(scored, rows)._asdict().items()},
            "weight": self.world / batch,
        }
        if self.crosses_queries:
            shared = other_queries(queries, own, rows[positives], self.positives)
            counts = [len(queries[share(len(queries), rank, parts)]) for rank in range(parts)]
            inputs["everyone"] = {"counts": counts, "own": torch.from_numpy(own), "shared": torch.from_numpy(shared)}
        return inputs

    def _inputs(self, texts: Tokens | FrozenPassages, rows: np.ndarray, instead: int, *, segments: bool) -> Texts:
        """The texts `rows` or, if there are none, the text `instead`, which is encoded but not kept."""
        taken = rows if len(rows) else np.array([instead], dtype=np.int64)
        if isinstance(texts, FrozenPassages):
            frozen: Texts = {"vectors": _floats(texts.dense(taken)), "kept": len(rows)}
            return {**frozen, "decoded": _floats(texts.decoded(taken))} if texts.decoded else frozen
        ids, mask, types = pad(texts.rows(taken), self.pad_id, segments)
        given: Texts = {"input_ids": ids, "attention_mask": mask, "kept": len(rows)}
        return given if types is None else {**given, "token_type_ids": types}


def _floats(vectors: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.asarray(vectors, dtype=np.float32))
