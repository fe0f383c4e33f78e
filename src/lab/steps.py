"""What every step shares: the store, the data, the seed, and the account of what was used."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import Corpus
from ..encoders.checkpoint import Checkpoint
from ..indexes.base import QueryVectors
from ..machine.gpus import Lease
from ..quantizers.base import FittedQuantizer, Quantizer
from ..store import Artifact, Recipe, Store
from ..training.frozen import FrozenPassages
from ..training.settings import CURVE, TrainSettings
from .versions import VERSIONS

log = logging.getLogger(__name__)

WatchTrainings = Callable[[str, Mapping[str, float]], None]  # a training's name, a point of its curve with its "step"


@dataclass(frozen=True)
class Stored:
    """An array in the store, memory-mapped, and the key of the artifact that holds it."""

    array: NDArray[Any]
    key: str


@dataclass(frozen=True)
class Fitted:
    """A trained quantizer, the component it is of, and the artifact that holds it.

    `joint`: it was trained together with the encoder, so that no passage vectors were needed to make it.
    """

    component: Quantizer
    quantizer: FittedQuantizer
    artifact: Artifact
    joint: bool = False


@dataclass(frozen=True)
class Trained:
    """What a method's training leaves.

    search: the checkpoint that encodes queries and passages for candidate search; rerank: a second one, whose dense
    passage vectors verify the candidates; query: one that encodes the queries of both in their place; quantizer: the
    one learned together with `search`, used where the run's quantizer is of its kind.
    """

    search: Checkpoint
    quantizer: Fitted | None = None
    rerank: Checkpoint | None = None
    query: Checkpoint | None = None


@dataclass(frozen=True)
class Frozen:
    """Passage vectors that a training leaves as they are, and the keys of the artifacts that hold them, by name."""

    passages: FrozenPassages
    keys: Mapping[str, str]


class Steps:
    """The base of the lab: makes artifacts and remembers which ones this run stands on."""

    def __init__(
        self,
        store: Store,
        corpus: Corpus,
        train: TrainSettings,
        seed: int,
        device: str = "cpu",
        gpu: Lease | None = None,
    ) -> None:
        self.store, self.corpus, self.settings, self.seed, self.device = store, corpus, train, seed, device
        self.gpu = gpu  # taken before the first step that computes on one; None: whichever there is
        self.used: dict[str, tuple[str, Artifact]] = {}  # artifact key -> (stage, artifact)
        self.reported: dict[str, Any] = {}  # what a result row tells besides: "labels"
        self.said: set[str] = set()  # lines of the log that are said once
        self.watch: WatchTrainings | None = None  # is given every training's curve

    def make(
        self,
        stage: str,
        step: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        write: Callable[[Path], float | None],
        *,
        device: str = "cpu",
        **options: Any,
    ) -> Artifact:
        """`Store.make` of a step of VERSIONS, counted under `stage` ("train", "encode", "quantize", "search", or "" for
        none).

        device: where `write` computes. The cell's GPU is taken before the store's lock: a cell that waits for a GPU
        must not keep an artifact from one that has a GPU.
        """
        recipe = Recipe(step, config, inputs, VERSIONS[step], **options)
        if device != "cpu" and not self.store.has(recipe):
            self.take_gpu()
        artifact = self.store.make(recipe, write)
        self.used[artifact.key] = (stage, artifact)
        return artifact

    def say(self, line: str, level: int = logging.INFO) -> None:
        """Write a line to the log, the first time."""
        if line not in self.said:
            self.said.add(line)
            log.log(level, line)

    def asked(
        self, vectors: NDArray[np.float32], split: str, rows: NDArray[np.int64] | slice = slice(None)
    ) -> QueryVectors:
        """The vectors of the queries in some `rows` of a split, as a search takes them: with their own passages."""
        own = self.corpus.own(split)
        return QueryVectors(vectors, own=None if own is None else own[rows])

    def left_out(self, split: str) -> dict[str, str]:
        """What enters the key of a ranking of a split's queries that leaves out those that are passages themselves."""
        return {} if self.corpus.own(split) is None else {"own": self.corpus.fingerprint(f"own-{split}")}

    def judged(self, split: str) -> dict[str, str]:
        """What enters the key of a step that learns from the judgements of a split: these, and what is no negative."""
        return {part: self.corpus.fingerprint(f"{part}-{split}") for part in ("qrels", "spared")}

    def find(self, step: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> Artifact | None:
        """`Store.find` of a step of VERSIONS."""
        return self.store.find(Recipe(step, config, inputs, VERSIONS[step]))

    def take_gpu(self) -> None:
        """Have a GPU of this cell's own from here to its end; call it while no lock is held that others wait for."""
        if self.gpu is not None:
            self.gpu.take()

    def watched(self, name: str) -> Callable[[Mapping[str, float]], None] | None:
        """What is given the curve of the training of that name as it grows; None where nobody watches."""
        return None if self.watch is None else partial(self.watch, name)

    def replay(self, name: str, training: Artifact) -> None:
        """Give the whole curve of a finished training, which may have been found in the store, to who watches."""
        if self.watch is not None:
            for line in (training.folder / CURVE).read_text().splitlines():
                self.watch(name, json.loads(line))

    def seconds(self) -> dict[str, float | None]:
        """Seconds of each stage: the sum over the artifacts used, whenever they were made."""
        stages: dict[str, float] = {"train": 0.0, "encode": 0.0, "quantize": 0.0, "search": 0.0}
        for stage, artifact in self.used.values():
            if stage:
                stages[stage] += artifact.seconds
        return {stage: round(seconds, 2) for stage, seconds in stages.items()}

    def keys(self) -> dict[str, str]:
        """The keys of everything used, by step; a step used more than once is numbered."""
        keys = {self.corpus.folder.parent.name: self.corpus.key}  # "data", or the "subset" made from it
        for _, artifact in self.used.values():
            count = sum(name.split(".")[0] == artifact.step for name in keys)
            keys[f"{artifact.step}.{count + 1}" if count else artifact.step] = artifact.key
        return keys

    def drawn(self) -> dict[str, str]:
        """Those of `keys` that another seed would make otherwise by its own drawing, not by what they are made from."""
        seeded = {
            artifact.key for _, artifact in self.used.values() if artifact.manifest["config"].get("seed") is not None
        }
        return {name: key for name, key in self.keys().items() if key in seeded}
