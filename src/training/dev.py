"""The checkpoint with the best dev rank, as BPR's code keeps it (and DPR's recommends).

At the end of each of the last quarter's epochs dev questions rank a pool of passages: the first positive of each and
`OTHERS` random passages a question. The mean number of passages above a question's own is its rank. (In the published
code 30 hard and 30 other negatives of each question are in the pool, which few data bring for their dev split.)
"""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import TrainerCallback

from .. import processes
from ..data.ragged import Ragged
from ..encoders.tokens import Tokens, pad
from ..encoders.towers import Side
from ..store import sync
from .model import TrainingModel

log = logging.getLogger(__name__)

QUESTIONS, OTHERS = 1000, 30  # questions at most, and random passages for each
TOGETHER = 64  # texts encoded, or questions ranked, at a time
FIRST = 0.75  # share of the steps before the first look
BEST, RANK = "best", "rank.json"


@dataclass(frozen=True)
class DevSet:
    """Dev questions `rows` [Q], the passages `pool` [P] that they rank, and the place [Q] of each one's own there."""

    queries: Tokens
    passages: Tokens
    rows: NDArray[np.int64]
    pool: NDArray[np.int64]
    gold: NDArray[np.int64]

    @classmethod
    def drawn(cls, queries: Tokens, passages: Tokens, positives: Ragged, seed: int) -> "DevSet":
        """A set of the questions that have a positive, drawn with the seed."""
        rng = np.random.default_rng(seed)
        rows = np.flatnonzero(positives.lengths)
        if len(rows) > QUESTIONS:
            rows = np.sort(rng.choice(rows, size=QUESTIONS, replace=False))
        first = positives.values[positives.offsets[rows]]
        pool = np.unique(np.concatenate([first, rng.integers(0, len(passages), OTHERS * len(rows))]))
        return cls(queries, passages, rows, pool, np.searchsorted(pool, first))


def mean_rank(model: TrainingModel, dev: DevSet) -> float:
    """The mean over questions of how many passages of the pool score above their own, as the objective ranks them."""
    training = model.training
    model.eval()
    with torch.inference_mode():
        queries = _encoded(model, "query", dev.queries, dev.rows)
        passages = _encoded(model, "passage", dev.passages, dev.pool)
        queries, passages = model.objective.compared(queries, passages)
        above = 0
        for part in torch.arange(len(queries)).split(TOGETHER):
            scores = queries[part] @ passages.T
            own = torch.from_numpy(dev.gold)[part].to(scores.device)
            above += int((scores > scores.gather(1, own[:, None])).sum())
    model.train(training)
    return above / len(dev.rows)


def _encoded(model: TrainingModel, side: Side, texts: Tokens, rows: NDArray[np.int64]) -> Tensor:
    """The vectors [n, D] of the texts `rows` [n]."""
    towers, device = model.towers, next(model.parameters()).device
    ids = texts.rows(rows)
    order = np.argsort([-len(row) for row in ids], kind="stable")
    parts = []
    for first in range(0, len(order), TOGETHER):
        padded = pad([ids[row] for row in order[first : first + TOGETHER]], towers.pad_id, towers.segments(side))
        placed = [None if value is None else value.to(device) for value in padded]
        parts.append(towers.encode(side, *placed))  # type: ignore[arg-type]
    return torch.cat(parts)[torch.from_numpy(np.argsort(order)).to(device)]


class KeepBest(TrainerCallback):
    """Writes the model whenever its dev rank is the best so far; a killed training goes on with what it wrote."""

    def __init__(self, model: TrainingModel, dev: DevSet, folder: Path) -> None:
        self.model, self.dev, self.best = model, dev, folder / BEST

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the dev rank, in the last quarter of the steps."""
        if state.global_step < FIRST * state.max_steps:
            return
        if processes.is_main():
            rank = mean_rank(self.model, self.dev)
            known = self.best / RANK
            better = not known.is_file() or rank < json.loads(known.read_text())["rank"]
            log.info("step %d: mean dev rank %.2f%s", state.global_step, rank, ", the best so far" if better else "")
            if better:
                self._write(rank, state.global_step)
        processes.barrier()

    def _write(self, rank: float, step: int) -> None:
        unfinished = self.best.with_name(f"{BEST}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        self.model.save(unfinished)
        (unfinished / RANK).write_text(json.dumps({"rank": rank, "step": step}))
        for path in unfinished.rglob("*"):
            sync(path)
        shutil.rmtree(self.best, ignore_errors=True)
        unfinished.replace(self.best)
        sync(self.best.parent)


def take_best(checkpoints: Path, folder: Path) -> bool:
    """Copy what `KeepBest` wrote into `folder`; whether there was anything."""
    best = checkpoints / BEST
    if not best.is_dir():
        return False
    shutil.copytree(best, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(RANK))
    return True
