"""Steps that train encoders."""

from pathlib import Path
from typing import Any

from .. import processes
from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..samplers.base import Example, Pool, Sampler
from ..store import artifact_key, describe
from ..training.frozen import FrozenPassages
from ..training.settings import TrainSettings
from .steps import Fitted, Frozen
from .texts import Candidates, TextSteps
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
    return artifact_key("pretrained", VERSIONS["pretrained"], describe(encoder, ELSEWHERE), inputs)


def trained_by(settings: TrainSettings, device: str) -> dict[str, Any]:
    """What the key of a training holds of its settings and, with dropout, of where it runs.

    Every process draws what it drops for its own share of a batch, by the generator of its device; without dropout
    neither their number nor the device changes more than rounding.
    """
    described: dict[str, Any] = {"settings": describe(settings.resolved(device))}
    if settings.dropout != 0:  # None: as the model comes
        described["drops"] = {"processes": processes.world_size(), "device": device.partition(":")[0]}
    return described


class FitSteps(TextSteps):
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
    ) -> Checkpoint:
        """Train from `start` on the train split; `candidates` are what the sampler draws hard negatives from.

        Without them, a sampler mined by BM25 gets BM25's. Parameters of the objective's own start from those that
        `start` was trained with, else from the `quantizer`'s. With `frozen` passages only queries are encoded and
        trained. `gathered`: queries are scored against the passages of all processes, otherwise against those of their
        own process. Killed, it continues from its last checkpoint.
        """
        checkpoint = self.pretrained(start) if isinstance(start, Encoder) else start
        sampler = sampler.resolved(self.corpus.positive)
        candidates = candidates or self._mined_for(sampler)
        queries, queries_key = self.tokens(checkpoint.encoder, "train")
        passages, keys = self._trained_on(checkpoint, frozen)
        if quantizer is not None:
            keys["quantizer"] = quantizer.artifact.key
        if candidates is not None:
            keys["candidates"] = candidates.key
        gathered = gathered or processes.world_size() == 1
        lists = None if candidates is None else candidates.lists
        sizes = len(self.corpus.passages), self.settings.batch_size
        pool = Pool(self.corpus.positives("train"), lists, *sizes, self.seed, self.corpus.spared("train"))

        def write(folder: Path) -> None:
            from ..training.loop import train

            def batches(epoch: int) -> list[list[Example]]:
                return list(sampler.batches(pool, epoch))

            state = {**(quantizer.quantizer.state() if quantizer else {}), **checkpoint.objective_state()}
            how = self.settings, self.seed, folder, self.device, state, gathered, self.watched(name)
            train(checkpoint, objective, batches, queries, passages, pool.spared, *how)

        inputs = {"start": checkpoint.key, "queries": queries_key, **self.judged("train")}
        config = self._described(objective, sampler) | (
            {} if gathered else {"gathered": False, "processes": processes.world_size()}
        )
        options: dict[str, Any] = {"device": self.device, "resumable": True, "collective": True, "about": name}
        artifact = self.make("train", "fit", config, {**inputs, **keys}, write, **options)
        self.replay(name, artifact)
        return Checkpoint(checkpoint.encoder, artifact.folder / "towers", artifact.key)

    def _described(self, objective: Objective, sampler: Sampler) -> dict[str, Any]:
        """What enters the key of every training."""
        return {
            "objective": describe(objective),
            "sampler": describe(sampler),
            "seed": self.seed,
            **trained_by(self.settings, self.device),
        }

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
