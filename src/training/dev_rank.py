"""How well a training ranks the dev questions' passages: the average rank of the first positive, as in DPR and BPR.

BPR's code takes it after each of the last ten of forty epochs and keeps the checkpoint with the best (biencoder.py,
`_compute_average_rank`; train_biencoder.py, `monitor="val_avg_rank"`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..arrays.ragged import Ragged
from ..encoders.tokens import Tokens, pad
from ..encoders.towers import Side
from ..machine import processes
from .batches import Texts, share
from .encoder import TrainableEncoder, gathered
from .frozen import FrozenPassages

TEXTS_TOGETHER = 64  # encoded at a time
QUERIES_TOGETHER = 256  # scored at a time against all passages

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class DevQuestions:
    """Dev questions and the passages that they are ranked among.

    rows [Q]: of the questions in `queries`; positives [Q]: the passage row of each one's first positive; pool [P]: rows
    of the passages, rising, each once, the positives among them; spared: of each of the Q questions, the passages that
    do not count against it (its other positives).
    """

    queries: Tokens
    passages: Tokens | FrozenPassages
    rows: Rows
    positives: Rows
    pool: Rows
    spared: Ragged

    def average_rank(self, model: TrainableEncoder) -> float:
        """The mean number of passages that `model` scores higher than a question's positive; 0 is the best there is.

        By the scores that the objective ranks by (`ObjectiveModule.ranked`), without dropout; every process encodes an
        equal share of the texts and returns the same number.
        """
        training = model.training
        model.eval()
        try:
            with torch.no_grad():
                queries = _encoded(model, "query", self.queries, self.rows)
                passages = _encoded(model, "passage", self.passages, self.pool)
                asked, ranked = model.objective.ranked(queries, passages)
                return self._mean_rank(asked, ranked)
        finally:
            model.train(training)

    def _mean_rank(self, queries: Tensor, passages: Tensor) -> float:
        gold = torch.from_numpy(np.searchsorted(self.pool, self.positives)).to(queries.device)
        ranks = 0
        for first in range(0, len(queries), QUERIES_TOGETHER):
            part = slice(first, first + QUERIES_TOGETHER)
            scores = queries[part] @ passages.T
            wanted = scores.gather(1, gold[part, None])
            ranks += int((scores.masked_fill(self._known(part).to(scores.device), -torch.inf) > wanted).sum())
        return ranks / len(queries)

    def _known(self, part: slice) -> Tensor:
        """Which of the pool [P] do not count against the questions of `part`: bool [n, P]."""
        lists = self.spared.take(np.arange(len(self.rows))[part])
        places = np.minimum(np.searchsorted(self.pool, lists.values), len(self.pool) - 1)
        there = self.pool[places] == lists.values
        known = np.zeros((len(lists), len(self.pool)), dtype=np.bool_)
        known[np.repeat(np.arange(len(lists)), lists.lengths)[there], places[there]] = True
        return torch.from_numpy(known)


def _encoded(model: TrainableEncoder, side: Side, texts: Tokens | FrozenPassages, rows: Rows) -> Tensor:
    """The vectors of the texts `rows` [n], [n, D], of which every process encodes a share."""
    world = processes.world_size()
    device = next(model.parameters()).device
    mine = rows[share(len(rows), processes.rank(), world)]
    given = mine if len(mine) else rows[:1]
    blocks = []
    for first in range(0, len(given), TEXTS_TOGETHER):
        part = given[first : first + TEXTS_TOGETHER]
        if isinstance(texts, FrozenPassages):
            blocks.append(torch.from_numpy(texts.summed(part)).to(device))
            continue
        ids, mask, types = pad(texts.rows(part), model.towers.pad_id, model.towers.segments(side))
        inputs: Texts = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "kept": len(part)}
        if types is not None:
            inputs["token_type_ids"] = types.to(device)
        blocks.append(model.encode(side, inputs).float())
    vectors = torch.cat(blocks)[: len(mine)]
    return gathered(vectors, [len(rows[share(len(rows), rank, world)]) for rank in range(world)])
