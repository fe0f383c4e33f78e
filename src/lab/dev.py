"""The dev queries that choose a training's best weights (`train.keep=best`)."""

import numpy as np

from ..encoders.checkpoint import Checkpoint
from ..errors import LabradorError
from ..losses.base import Objective
from ..samplers.shuffled import NONE, fill_at_random
from ..training.train_set import TrainSet
from . import lexical, tokens
from .bench import Bench
from .stored import DevPool

DEV = "dev"
HARD, OTHERS = 30, 30  # passages that each dev query's positive is ranked among, as in DPR and BPR


def keeps_best(bench: Bench, objective: Objective) -> bool:
    """Whether a training keeps the weights with the best dev rank: as train.keep says or, for auto, as the method's
    published code does, if there are several epochs to choose from.

    Raises LabradorError for train.keep=best if the run is scored on the dev queries, or if none are judged.
    """
    corpus, keep = bench.corpus, bench.settings.keep
    judged = DEV in corpus.splits and bool(corpus.positives(DEV).lengths.any())
    scored = corpus.handling.scored == DEV
    if keep == "best" and scored:
        raise LabradorError(
            "train.keep=best: the run is scored on the dev queries (data.split=dev), which must not choose the "
            "weights; set train.keep=last, or score another split"
        )
    if keep == "best" and not judged:
        raise LabradorError(
            f"train.keep=best: the data has no dev split with judged queries (splits: {', '.join(corpus.splits)}); "
            "add one, or set train.keep=last"
        )
    usual = judged and not scored and objective.keeps_best and bench.settings.epochs > 1
    return keep == "best" or (keep == "auto" and usual)


def pool(bench: Bench, checkpoint: Checkpoint) -> DevPool:
    """The judged dev queries, at most train.dev_questions drawn with the seed, and their passages: the first positive,
    hard negatives (the source's, else BM25's best), and others drawn from the corpus with the seed.
    """
    dev = TrainSet.of(bench.corpus, DEV)
    read = tokens.queries(bench, checkpoint.encoder, dev.queries)
    rng = np.random.default_rng(bench.seed)
    rows = np.flatnonzero(dev.positives.lengths)
    limit = bench.settings.dev_questions
    if limit is not None and limit < len(rows):
        rows = np.sort(rng.choice(rows, size=limit, replace=False))
    hard = lexical.negatives(bench, dev, HARD)
    size = len(bench.corpus.passages)
    negatives = np.full((len(rows), min(HARD + OTHERS, size - int(dev.spared.lengths[rows].max()))), NONE, np.int64)
    for place, found in enumerate(hard.lists.take(rows)):
        negatives[place, : len(found)] = found[: negatives.shape[1]]
    fill_at_random(negatives, rows, dev.spared, size, rng)
    first = dev.positives.values[dev.positives.offsets[rows]]
    ranked = np.unique(np.concatenate([first, negatives.ravel()]))
    settings = {"questions": len(rows), "from": bench.settings.dev_from, "hard": HARD, "others": OTHERS}
    keys = {"dev queries": read.key, "dev negatives": hard.key, "dev judgements": dev.key}
    return DevPool(read.tokens, rows, first, ranked, dev.spared.take(rows), settings, keys)
