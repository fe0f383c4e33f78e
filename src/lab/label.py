"""Pseudo labels: a teacher scores what a base retriever finds, and labels the passages it is sure of."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array
from ..arrays.ragged import Ragged
from ..data.unlabelled import read_questions
from ..encoders.checkpoint import Checkpoint
from ..labels.pseudo import Thresholds, by_thresholds
from ..labels.teacher import MODEL, Teacher, TrainedTeacher
from ..metrics.ranking import score_ranking
from ..samplers.ann import ANNHard
from ..training.settings import TrainSettings
from ..training.train_set import Candidates, Labels, QuerySet, TrainSet
from . import artifacts, encode, mine, tokens, train
from .bench import Bench
from .stored import StoredArray

log = logging.getLogger(__name__)

SCORES, LABELLED, SUMMARY = "scores.npy", "labelled.npy", "labels.json"
TRIED = 500  # at most as many queries compare a teacher with the base retriever
TRIED_SHARE = 4  # and at most one for so many labelled queries
METRIC = "MRR@10"


@dataclass(frozen=True)
class BaseRetriever:
    """The base retriever, whose best `depth` passages of a query the teacher judges."""

    checkpoint: Checkpoint
    depth: int


def pooled(bench: Bench, file: str | None) -> TrainSet:
    """The data's train set followed by the unlabelled queries of `file`; logs how many are left out."""
    if file is None:
        return bench.train_set
    own = bench.train_set.queries
    queries, left_out = own.and_unlabelled(bench.corpus, read_questions(Path(file).expanduser()))
    log.info(
        "%s: %s unlabelled queries; left out: %s of the dev or test split, %s of the train split or repeated",
        file,
        f"{len(queries) - len(own):,}",
        f"{left_out['held out']:,}",
        f"{left_out['known']:,}",
    )
    return bench.train_set.pooled(queries)


def fit_teacher(bench: Bench, teacher: Teacher, base: BaseRetriever, settings: TrainSettings) -> TrainedTeacher:
    """Train a cross-encoder on judged passages and, as negatives, the others that the base retriever finds; a ready one
    is used as it is. Killed, it continues from its last checkpoint.
    """
    encoder = teacher.encoder
    start = artifacts.pretrained(encoder, artifacts.TEACHER)
    if teacher.ready:
        return TrainedTeacher(teacher, None, start)
    train_set = bench.train_set
    count = len(train_set.queries)
    rows = train_set.judged(settings.visits, bench.seed)
    near = mine.nearest(bench, base.checkpoint, train_set.queries, rows, base.depth)
    others = mine.without(np.asarray(near.array), train_set.spared.take(rows)).spread(rows, count)
    positives = train_set.positives.take(rows).spread(rows, count)
    learned = replace(train_set, positives=positives, candidates=Candidates(others, near.key))
    sampler = ANNHard(negatives=teacher.negatives, depth=base.depth, positive=teacher.positive)
    taught = replace(bench, settings=settings)
    draws = train.draw(taught, "teacher", sampler, learned)
    queries, passages = tokens.queries(bench, encoder, train_set.queries), tokens.passages(bench, encoder)

    def write(folder: Path) -> None:
        from ..labels.teaching import TeacherTraining
        from ..training.base import Place
        from ..training.loop import train as run

        training = TeacherTraining(
            batches=draws.batches,
            settings=settings,
            seed=bench.seed,
            teacher=teacher,
            queries=queries.tokens,
            passages=passages.tokens,
        )
        run(training, Place(folder, bench.device, bench.watched(draws.name)))

    read = {"start": start, "queries": queries.key, "passages": passages.key}
    artifact = bench.make(artifacts.teacher(taught, draws, read), write, device=bench.device)
    bench.replay(draws.name, artifact)
    return TrainedTeacher(teacher, artifact.folder / MODEL, artifact.key)


def pseudo_labels(
    bench: Bench,
    teacher: TrainedTeacher,
    base: BaseRetriever,
    train_set: TrainSet,
    thresholds: Thresholds,
    limit: int | None = None,
) -> Labels:
    """Label what the base retriever finds for the queries of the train set, by the teacher's scores.

    With a `limit`, for that many queries, drawn with the seed. Logs and reports how good the teacher is and how many
    labels it gave. Raises LabradorError if the thresholds leave no positive or no negative.
    """
    asked = train_set.queries
    count = len(asked)
    rows = np.arange(count)
    if limit is not None and limit < count:
        rows = np.sort(np.random.default_rng(bench.seed).choice(count, size=limit, replace=False))
    quality = _quality(bench, teacher, base, -(-len(rows) // TRIED_SHARE))
    near = mine.nearest(bench, base.checkpoint, asked, rows, base.depth)
    scores = judge(bench, teacher, asked, rows, near)

    def write(folder: Path) -> None:
        found = by_thresholds(near.array, np.asarray(scores.array), train_set.spared.take(rows), thresholds)
        for name, lists in (("positives", found.positives), ("negatives", found.negatives)):
            (folder / name).mkdir()
            lists.spread(rows, count).save(folder / name)
        np.save(folder / LABELLED, np.isin(np.arange(count), rows), allow_pickle=False)
        (folder / SUMMARY).write_text(json.dumps(found.counts(), allow_nan=False))

    keys = {"ranking": near.key, "scores": scores.key}
    made = bench.make(artifacts.labels(train_set, thresholds, keys, len(rows)), write)
    named = {"teacher": teacher.teacher.called, **asdict(thresholds)}
    _report(bench, named | json.loads((made.folder / SUMMARY).read_text()) | quality)
    positives, negatives = (Ragged.load(made.folder / name) for name in ("positives", "negatives"))
    return Labels(positives, negatives, np.array(open_array(made.folder / LABELLED)), made.key)


def _report(bench: Bench, summary: Mapping[str, Any]) -> None:
    log.info(
        "pseudo labels: %s positives and %s negatives among %s scored passages of %s queries, %s of which have "
        "no positive; scores in tenths from 0: %s",
        *(f"{summary[name]:,}" for name in ("positives", "negatives", "scored", "questions", "without_positive")),
        ", ".join(f"{count:,}" for count in summary["histogram"]),
    )
    bench.ledger.reported["labels"] = summary


def _quality(bench: Bench, teacher: TrainedTeacher, base: BaseRetriever, limit: int) -> dict[str, Any]:
    """MRR@10 of the base retriever's best passages in its own order and in the teacher's, on at most `limit` queries of
    the dev split or, if none of those are judged, of the test split.
    """
    split = tried_on(bench)
    if split is None:
        untried = "no judged dev or test queries: the teacher was not tried"
        log.warning(untried)
        return {"judged_on": None, "warning": untried}
    held_out = TrainSet.of(bench.corpus, split)
    rows = held_out.judged(min(TRIED, limit), bench.seed)
    near = mine.nearest(bench, base.checkpoint, held_out.queries, rows, base.depth)
    scores = np.asarray(judge(bench, teacher, held_out.queries, rows, near).array)
    order = np.argsort(-np.nan_to_num(scores, nan=-1.0), axis=1, kind="stable")
    positives = held_out.positives.take(rows)
    places = np.repeat(np.arange(len(rows)), positives.lengths)
    qrels = places, positives.values, np.ones(len(places), dtype=np.int64)
    figures = {}
    for name, ids in (("base", near.array), ("teacher", np.take_along_axis(near.array, order, axis=1))):
        found = score_ranking(np.asarray(ids), qrels, passages=len(bench.corpus.passages), metrics=(METRIC,))
        figures[f"{name} {METRIC}"] = found.means[METRIC]
    quality = {"judged_on": split, "judged_questions": len(rows), **figures, "warning": None}
    before, after = figures.values()
    shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if value is not None)
    log.info("teacher, tried on %s %s queries: %s", len(rows), split, shown)
    if before is not None and after is not None and after <= before:
        quality["warning"] = f"the teacher ({after:.3f} {METRIC}) is no better than the base retriever ({before:.3f})"
        log.warning("%s: train it longer, or name a better one in retriever.teacher", quality["warning"])
    return quality


def tried_on(bench: Bench) -> str | None:
    """The split that a teacher is tried on: dev, or else test; None if neither has judged queries."""
    splits = (split for split in ("dev", "test") if split in bench.corpus.splits)
    return next((split for split in splits if bench.corpus.positives(split).lengths.any()), None)


def judge(
    bench: Bench, teacher: TrainedTeacher, asked: QuerySet, rows: NDArray[np.int64], near: StoredArray
) -> StoredArray:
    """The teacher's scores [R, k], from 0 to 1, of the passages `near` [R, k] of the queries `rows`.

    Killed, it continues where it was.
    """
    encoder = teacher.teacher.encoder
    queries, passages = tokens.queries(bench, encoder, asked), tokens.passages(bench, encoder)
    precision = encode.chosen_precision(bench, encoder)

    def write(folder: Path) -> None:
        from ..labels.scoring import Pairs, write_scores
        from ..machine.devices import pick_device

        pairs = Pairs(queries.tokens, passages.tokens, rows, np.asarray(near.array))
        write_scores(teacher.load(), pairs, folder / SCORES, precision, pick_device(bench.device))

    keys = {"teacher": teacher.key, "ranking": near.key, "queries": queries.key, "passages": passages.key}
    recipe = artifacts.scored(precision, keys, near.array.size)
    artifact = bench.make(recipe, write, device=bench.device)
    return StoredArray(open_array(artifact.folder / SCORES).reshape(near.array.shape), artifact.key)
