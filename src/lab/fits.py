"""Steps that train encoders."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..machine import processes
from ..samplers.base import Example, Pool, Sampler
from ..samplers.bm25 import BM25Hard
from ..samplers.lexical_negatives import with_lexical
from ..store import Recipe, describe
from ..training.frozen import FrozenPassages
from ..training.settings import TrainSettings
from .dev import DevSteps
from .steps import Fitted, Frozen
from .texts import Candidates
from .versions import VERSIONS

ELSEWHERE = (
    "max_query_length",
    "max_passage_length",
    "query_prefix",
    "passage_prefix",
    "segments",
    "temperature",
    "dtype",
    "precision",
)


def pretrained_key(encoder: Encoder) -> str:
    """The key of an encoder as it comes."""
    inputs = {"weights": encoder.fingerprint()}
    return Recipe("pretrained", describe(encoder, ELSEWHERE), inputs, VERSIONS["pretrained"]).key


def trained_by(settings: TrainSettings, device: str) -> dict[str, Any]:
    """What the key of a training holds of its settings and, with dropout, of where it runs.

    Every process draws what it drops for its own share of a batch, by the generator of its device; without dropout
    neither their number nor the device changes more than rounding.
    """
    described: dict[str, Any] = {"settings": describe(settings.resolved(device))}
    if settings.dropout != 0:  # None: as the model comes
        described["drops"] = {"processes": processes.world_size(), "device": device.partition(":")[0]}
    return described


SHARED: dict[str, Any] = {"resumable": True, "collective": True}  # processes share the work; killed, it continues


@dataclass(frozen=True)
class Draws:
    """The batches of each epoch of a training, and what of them enters its key: settings, and the keys of artifacts."""

    batches: Callable[[int], list[list[Example]]]
    config: dict[str, Any]
    keys: dict[str, str]


class FitSteps(DevSteps):
    """Checkpoints."""

    def pretrained(self, encoder: Encoder) -> Checkpoint:
        """The encoder as it comes.

        Its key leaves out the fields that enter other keys: lengths and prefixes are in those of the tokens,
        temperature in that of the objective, dtype and precision in that of the vectors.
        """
        return Checkpoint(encoder, None, pretrained_key(encoder))

    def fit(
        self,
        start: Encoder | Checkpoint,
        objective: Objective,
        sampler: Sampler,
        candidates: Candidates | None = None,
        *,
        name: str,
        quantizer: Fitted | None = None,
        frozen: Frozen | None = None,
        gathered: bool = True,
        lexical: BM25Hard | None = None,
    ) -> Checkpoint:
        """Train from `start` on the train split; the sampler draws hard negatives from `candidates`, by default BM25's
        where it is mined by BM25. The objective's own parameters start from those that `start` was trained with, else
        from the `quantizer`'s. With `frozen` passages only queries are encoded and trained. `lexical` draws hard
        negatives of a second kind, among BM25's. Killed, it continues from its last checkpoint.
        """
        checkpoint = self.pretrained(start) if isinstance(start, Encoder) else start
        dev = self.dev_pool(checkpoint) if self.keeps_best(objective) else None
        draws = self._draws(sampler, candidates, lexical)
        queries, queries_key = self.tokens(checkpoint.encoder, "train")
        passages, keys = self._trained_on(checkpoint, frozen)
        if quantizer is not None:
            keys["quantizer"] = quantizer.artifact.key
        gathered = gathered or processes.world_size() == 1

        def write(folder: Path) -> None:
            from ..training.base import Place
            from ..training.encoder import EncoderTraining
            from ..training.loop import train

            training = EncoderTraining(
                batches=draws.batches,
                settings=self.settings,
                seed=self.seed,
                dev_rank=None if dev is None else dev.questions(passages).average_rank,
                start=checkpoint,
                objective=objective,
                queries=queries,
                passages=passages,
                spared=self.corpus.spared("train"),
                state={**(quantizer.quantizer.state() if quantizer else {}), **checkpoint.objective_state()},
                gathered=gathered,
            )
            train(training, Place(folder, self.device, self.watched(name)))

        inputs = {"start": checkpoint.key, "queries": queries_key, **self.judged("train")}
        config = {
            "objective": describe(objective),
            "seed": self.seed,
            **trained_by(self.settings, self.device),
            **draws.config,
            **({} if dev is None else dev.config),
            **({} if gathered else {"gathered": False, "processes": processes.world_size()}),
        }
        inputs |= keys | draws.keys | ({} if dev is None else dev.keys)
        artifact = self.make("train", "fit", config, inputs, write, device=self.device, about=name, **SHARED)
        self.replay(name, artifact)
        return Checkpoint(checkpoint.encoder, artifact.folder / "towers", artifact.key)

    def _draws(self, sampler: Sampler, candidates: Candidates | None, lexical: BM25Hard | None) -> "Draws":
        """The batches of a training and what names them; candidates that are not given are mined."""
        sampler = sampler.resolved(self.corpus.positive)
        candidates = candidates or self._mined_for(sampler)
        before = self.bm25_negatives(sampler.depth) if sampler.with_bm25 else None
        by_words = None if lexical is None else self._mined_for(lexical)
        pool, other = self._pool(candidates), self._pool(by_words)
        if before is not None and pool.candidates is not None:
            pool = replace(pool, candidates=before.lists.followed_by(pool.candidates))

        def batches(epoch: int) -> list[list[Example]]:
            formed = sampler.batches(pool, epoch)
            return list(formed) if lexical is None else with_lexical(formed, lexical, other, epoch)

        config: dict[str, Any] = {"sampler": describe(sampler)}
        if lexical is not None:
            config["lexical"] = describe(lexical, leave_out=("positive",))
        mined = {"candidates": candidates, "bm25 candidates": before, "lexical": by_words}
        return Draws(batches, config, {name: found.key for name, found in mined.items() if found is not None})

    def _pool(self, candidates: Candidates | None) -> Pool:
        """What a sampler draws from."""
        return Pool(
            self.corpus.positives("train"),
            None if candidates is None else candidates.lists,
            len(self.corpus.passages),
            self.settings.batch_size,
            self.seed,
            self.corpus.spared("train"),
        )

    def _trained_on(
        self, checkpoint: Checkpoint, frozen: Frozen | None
    ) -> tuple[Tokens | FrozenPassages, dict[str, str]]:
        """The passages of a training, and the keys of what they are."""
        if frozen is not None:
            return frozen.passages, {f"passages.{name}": key for name, key in frozen.keys.items()}
        tokens, key = self.tokens(checkpoint.encoder)
        return tokens, {"passages": key}

    def _mined_for(self, sampler: Sampler) -> Candidates | None:
        """What a sampler draws from when it is given nothing."""
        if sampler.mined_by == "checkpoint":
            name = type(sampler).__name__
            raise LabradorError(f"sampler={name}: it draws from a checkpoint's own search, none was given")
        return self.bm25_negatives(sampler.depth) if sampler.mined_by == "bm25" else None
