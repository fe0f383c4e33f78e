"""Steps on the dev split, by whose rank a training's best weights are kept (`train.keep=best`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..samplers.shuffled import NONE, fill_at_random
from ..training.frozen import FrozenPassages
from .texts import TextSteps

if TYPE_CHECKING:
    from ..training.dev_rank import DevQuestions

DEV = "dev"
HARD, OTHERS = 30, 30  # passages of each dev question besides its positive: as many as DPR and BPR rank it among


@dataclass(frozen=True)
class DevPool:
    """Dev questions and what they are ranked among, all in row numbers, and what names them in a training's key.

    rows [Q]: questions of `tokens`; positives [Q]: each one's first; pool [P]: passages, rising, each once; spared: of
    the Q questions.
    """

    tokens: Tokens
    rows: NDArray[np.int64]
    positives: NDArray[np.int64]
    pool: NDArray[np.int64]
    spared: Ragged
    config: dict[str, Any]
    keys: dict[str, str]

    def questions(self, passages: Tokens | FrozenPassages) -> "DevQuestions":
        """As a training ranks them, by what it reads of the passages."""
        from ..training.dev_rank import DevQuestions

        return DevQuestions(self.tokens, passages, self.rows, self.positives, self.pool, self.spared)


class DevSteps(TextSteps):
    """Dev questions."""

    def keeps_best(self, objective: Objective) -> bool:
        """Whether a training keeps the weights of the best dev rank: train.keep, and for auto what the published code
        of the method does, where there are several epochs to choose from.

        Never by the questions that the run is scored on. Raises LabradorError where that was asked for, and where the
        data has no judged dev questions.
        """
        keep, judged = self.settings.keep, DEV in self.corpus.splits and bool(self.corpus.positives(DEV).lengths.any())
        scored = self.corpus.handling.scored == DEV
        if keep == "best" and scored:
            raise LabradorError(
                "train.keep=best: the run is scored on the dev questions (data.split=dev), which must not choose the "
                "weights; set train.keep=last, or score another split"
            )
        if keep == "best" and not judged:
            raise LabradorError(
                f"train.keep=best: the data has no dev split with judged questions (splits: "
                f"{', '.join(self.corpus.splits)}); add one, or set train.keep=last"
            )
        usual = judged and not scored and objective.keeps_best and self.settings.epochs > 1
        return keep == "best" or (keep == "auto" and usual)

    @property
    def kept_best(self) -> bool:
        """Whether a training that this run stands on kept the weights of the best dev rank."""
        return any("keep" in artifact.manifest["config"] for _, artifact in self.used.values())

    def dev_pool(self, checkpoint: Checkpoint) -> DevPool:
        """The judged dev questions, at most train.dev_questions drawn with the seed, and their passages: the first
        positive, hard negatives (the source's, else BM25's best), and others drawn from the corpus with the seed.
        """
        tokens, queries_key = self.tokens(checkpoint.encoder, DEV)
        positives, spared = self.corpus.positives(DEV), self.corpus.spared(DEV)
        rng = np.random.default_rng(self.seed)
        rows = np.flatnonzero(positives.lengths)
        limit = self.settings.dev_questions
        if limit is not None and limit < len(rows):
            rows = np.sort(rng.choice(rows, size=limit, replace=False))
        hard = self.bm25_negatives(HARD, DEV)
        count = min(HARD + OTHERS, len(self.corpus.passages) - int(spared.lengths[rows].max()))
        negatives = np.full((len(rows), count), NONE, dtype=np.int64)
        for place, found in enumerate(hard.lists.take(rows)):
            negatives[place, : len(found)] = found[:count]
        fill_at_random(negatives, rows, spared, len(self.corpus.passages), rng)
        first = positives.values[positives.offsets[rows]]
        pool = np.unique(np.concatenate([first, negatives.ravel()]))
        asked = {"questions": len(rows), "from": self.settings.dev_from, "hard": HARD, "others": OTHERS}
        keys = {"dev queries": queries_key, "dev negatives": hard.key}
        keys |= {f"dev {part}": key for part, key in self.judged(DEV).items()}
        return DevPool(tokens, rows, first, pool, spared.take(rows), {"keep": asked}, keys)
