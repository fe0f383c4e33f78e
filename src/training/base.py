"""What a training is, where it runs, and what the loop asks of the model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from ..samplers.base import Example
from .settings import TrainSettings

Examples = list[Example]
Epoch = Callable[[int], list[Examples]]  # the number of an epoch -> its batches, the same in every process
Collation = Callable[[Any], Mapping[str, Any]]  # a `Part` of a batch -> this process's inputs of the model
Watch = Callable[[Mapping[str, float]], None]  # takes a point of the curve: {"step": 10, "loss": ..., ...}


class Trainable(nn.Module, ABC):
    """A model that the training loop can train."""

    @abstractmethod
    def forward(self, inputs: Any, step: int) -> dict[str, Tensor]:
        """Losses by name for the inputs that a collation made of a part of a batch; "loss" is minimised.

        step: optimizer steps done so far.
        """

    @property
    @abstractmethod
    def backbone(self) -> nn.Module:
        """The part that trains with the settings' learning rate and weight decay."""

    def own_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """torch.optim groups of all other parameters; the arguments are the backbone's."""
        return []

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was trained into `folder`."""


@dataclass(frozen=True, kw_only=True)
class Training(ABC):
    """What a training learns from, and how; a subclass says what it trains.

    dev_rank: takes the model and returns its rank on the dev split; with it, the weights of the lowest rank are kept,
    without it the last.
    """

    name: ClassVar[str]  # in messages
    too_large: ClassVar[str]  # the remedy when memory runs out

    batches: Epoch
    settings: TrainSettings
    seed: int
    dev_rank: Callable[[Any], float] | None = None

    @abstractmethod
    def build(self) -> tuple[Trainable, Collation]:
        """The model, on the CPU, and the collation of its inputs; the caller has set torch's seed."""

    @property
    def workers(self) -> int:
        """Processes that prepare batches."""
        return self.settings.workers


@dataclass(frozen=True)
class Place:
    """Where a training runs: the folder it writes to, the device, and who watches its curve grow."""

    folder: Path
    device: str = "cpu"
    watch: Watch | None = None
