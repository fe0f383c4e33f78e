"""What every step works with: the store, the corpus, the settings, and the ledger of what was used."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ..data.corpus import Corpus
from ..indexes.ties import tie_start
from ..machine.gpus import Lease
from ..store import Artifact, Recipe, Store
from ..store.store import Write
from ..training.settings import CURVE, TrainSettings
from ..training.train_set import QuerySet, TrainSet

log = logging.getLogger(__name__)

WatchTrainings = Callable[[str, Mapping[str, float]], None]  # takes a training's name and a point of its curve
STAGES = ("train", "encode", "quantize", "search")  # of a result row's seconds


@dataclass(frozen=True)
class Ledger:
    """What a run stands on, for its result row.

    used: by key, every artifact and the stage that its seconds count towards; reported: figures other than scores
    ("labels"); said: log lines that are written only once.
    """

    used: dict[str, tuple[str, Artifact]] = field(default_factory=dict)
    reported: dict[str, Any] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def say(self, line: str, level: int = logging.INFO) -> None:
        """Log a line, unless it has been logged before."""
        if line not in self.said:
            self.said.add(line)
            log.log(level, line)

    def seconds(self) -> dict[str, float]:
        """The seconds of each stage: those of all artifacts used, whenever they were made."""
        stages = dict.fromkeys(STAGES, 0.0)
        for stage, artifact in self.used.values():
            if stage:
                stages[stage] += artifact.seconds
        return {stage: round(seconds, 2) for stage, seconds in stages.items()}

    def keys(self, corpus: Corpus) -> dict[str, str]:
        """The keys of the corpus and of everything used, by step; a step used more than once is numbered."""
        keys = {corpus.folder.parent.name: corpus.key}  # by DATA or SUBSET
        for _, artifact in self.used.values():
            count = sum(name.split(".")[0] == artifact.step for name in keys)
            keys[f"{artifact.step}.{count + 1}" if count else artifact.step] = artifact.key
        return keys

    def drawn(self, corpus: Corpus) -> dict[str, str]:
        """Those of `keys` whose own making depends on the seed, not just that of their inputs."""
        seeded = {key for key, (_, made) in self.used.items() if made.manifest["config"].get("seed") is not None}
        return {name: key for name, key in self.keys(corpus).items() if key in seeded}

    @property
    def kept_best(self) -> bool:
        """Whether a training kept the weights of the best dev rank."""
        return any("keep" in artifact.manifest["config"] for _, artifact in self.used.values())


@dataclass(frozen=True)
class Bench:
    """Where the steps of one run are made: every step is a function of a bench.

    settings: of trainings; gathered: whether trainings score queries against the passages of all processes, or only of
    their own; device: "cpu" or "cuda"; gpu: the run's claim to a GPU, taken before the first step that needs one (None:
    any GPU will do); watch: receives the curve of every training.
    """

    store: Store
    corpus: Corpus
    settings: TrainSettings
    seed: int
    device: str = "cpu"
    gpu: Lease | None = None
    watch: WatchTrainings | None = None
    gathered: bool = True
    ledger: Ledger = field(default_factory=Ledger)

    def make(self, recipe: Recipe, write: Write, *, device: str = "cpu") -> Artifact:
        """The artifact of `recipe`, found in the store or made by `write` on `device`, and entered in the ledger.

        The run takes its GPU before the store's lock. Otherwise a run that waits for a GPU could block one that has it.
        """
        if device != "cpu" and not self.store.has(recipe):
            self.take_gpu()
        artifact = self.store.make(recipe, write)
        self.ledger.used[artifact.key] = (recipe.stage, artifact)
        return artifact

    def take_gpu(self) -> None:
        """Claim a GPU for the rest of this run; call it while holding no lock that others wait for."""
        if self.gpu is not None:
            self.gpu.take()

    def watched(self, name: str) -> Callable[[Mapping[str, float]], None] | None:
        """What receives the curve of the training of that name as it grows; None if nobody watches."""
        return None if self.watch is None else partial(self.watch, name)

    def replay(self, name: str, training: Artifact) -> None:
        """Report the whole curve of a finished training, which may have been found in the store."""
        if self.watch is not None:
            for line in (training.folder / CURVE).read_text().splitlines():
                self.watch(name, json.loads(line))

    def queries(self, split: str) -> QuerySet:
        """The queries of a split."""
        return QuerySet.of(self.corpus, split)

    @cached_property
    def train_set(self) -> TrainSet:
        """The data's own train split."""
        return TrainSet.of(self.corpus)

    @property
    def ties_from(self) -> int:
        """The passage that equal scores go to first, decided by the seed."""
        return tie_start(self.seed, len(self.corpus.passages))
