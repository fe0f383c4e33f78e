"""Training encoders: the batches of a training, and its checkpoint."""

from dataclasses import replace
from pathlib import Path

from ..encoders.base import Encoder
from ..encoders.checkpoint import TOWERS, Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..machine import processes
from ..samplers.base import Example, Pool, Sampler
from ..samplers.bm25 import BM25Hard
from ..samplers.lexical_negatives import with_lexical
from ..training.frozen import FrozenPassages
from ..training.train_set import Candidates, TrainSet
from . import artifacts, dev, lexical, tokens
from .bench import Bench
from .stored import Draws, StoredQuantizer


def pretrained(encoder: Encoder) -> Checkpoint:
    """The pretrained encoder itself."""
    return Checkpoint(encoder, None, artifacts.pretrained(encoder))


def draw(bench: Bench, name: str, sampler: Sampler, train_set: TrainSet, *, by_terms: bool = False) -> Draws:
    """The batches that a sampler forms from a train set, for the training `name`.

    by_terms: draw a second kind of hard negatives, by BM25, for an objective that has a term for them. Raises
    LabradorError if the sampler draws from a checkpoint's candidates and the train set has none.
    """
    sampler = sampler.resolved(train_set.positive)
    found = _candidates(bench, sampler, train_set)
    before = lexical.negatives(bench, train_set, sampler.depth) if sampler.with_bm25 else None
    lists = None if found is None else found.lists
    if before is not None and lists is not None:
        lists = before.lists.followed_by(lists)
    pool = Pool(
        train_set.positives,
        lists,
        len(bench.corpus.passages),
        bench.settings.batch_size,
        bench.seed,
        train_set.spared,
    )
    hard = BM25Hard() if by_terms else None
    terms = None if hard is None else lexical.negatives(bench, train_set, hard.depth)

    def batches(epoch: int) -> list[list[Example]]:
        formed = list(sampler.batches(pool, epoch))
        if hard is None or terms is None:
            return formed
        return with_lexical(formed, hard, replace(pool, candidates=terms.lists), epoch)

    mined = {"candidates": found, "bm25 candidates": before, "lexical": terms}
    keys = {kind: candidates.key for kind, candidates in mined.items() if candidates is not None}
    return Draws(name, train_set, sampler, hard, keys, batches)


def _candidates(bench: Bench, sampler: Sampler, train_set: TrainSet) -> Candidates | None:
    """What a sampler draws hard negatives from: BM25's, or a checkpoint's, which the train set has."""
    if sampler.mined_by == "bm25":
        return lexical.negatives(bench, train_set, sampler.depth)
    if sampler.mined_by == "nothing":
        return None
    if train_set.candidates is None:
        name = type(sampler).__name__
        raise LabradorError(f"sampler={name}: it draws from a checkpoint's candidates, and none were given")
    return train_set.candidates


def fit(
    bench: Bench,
    start: Encoder | Checkpoint,
    objective: Objective,
    draws: Draws,
    quantizer: StoredQuantizer | None = None,
) -> Checkpoint:
    """Train an encoder from `start`; killed, it continues from its last checkpoint.

    The objective's own parameters start from those that `start` was trained with, else from the `quantizer`'s. Against
    frozen passages, only queries are encoded and trained.
    """
    checkpoint = pretrained(start) if isinstance(start, Encoder) else start
    train_set = draws.train_set
    queries = tokens.queries(bench, checkpoint.encoder, train_set.queries)
    passages, read = _passages(bench, checkpoint.encoder, train_set)
    read |= {"start": checkpoint.key, "queries": queries.key}
    if quantizer is not None:
        read["quantizer"] = quantizer.key
    ranked = dev.pool(bench, checkpoint) if dev.keeps_best(bench, objective) else None

    def write(folder: Path) -> None:
        from ..training.base import Place
        from ..training.dev_rank import DevQuestions
        from ..training.encoder import EncoderTraining
        from ..training.loop import train

        asked = None
        if ranked is not None:
            asked = DevQuestions(ranked.tokens, passages, ranked.rows, ranked.positives, ranked.pool, ranked.spared)
        training = EncoderTraining(
            batches=draws.batches,
            settings=bench.settings,
            seed=bench.seed,
            dev_rank=None if asked is None else asked.average_rank,
            start=checkpoint,
            objective=objective,
            queries=queries.tokens,
            passages=passages,
            spared=train_set.spared,
            state={**(quantizer.fitted.state() if quantizer else {}), **checkpoint.objective_state()},
            gathered=bench.gathered or processes.world_size() == 1,
        )
        train(training, Place(folder, bench.device, bench.watched(draws.name)))

    artifact = bench.make(artifacts.fit(bench, objective, draws, ranked, read), write, device=bench.device)
    bench.replay(draws.name, artifact)
    return Checkpoint(checkpoint.encoder, artifact.folder / TOWERS, artifact.key)


def _passages(bench: Bench, encoder: Encoder, train_set: TrainSet) -> tuple[Tokens | FrozenPassages, dict[str, str]]:
    """The passages of a training, and the keys of the artifacts that hold them."""
    frozen = train_set.frozen
    if frozen is not None:
        return frozen, {f"passages.{part}": key for part, key in frozen.keys.items()}
    read = tokens.passages(bench, encoder)
    return read.tokens, {"passages": read.key}
