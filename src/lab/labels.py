"""Steps that label questions: a teacher, its scores, and a lab whose train questions have other labels."""

import copy
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array
from ..arrays.shards import Plan, write_shards
from ..data.corpus import Corpus
from ..data.relabelled import TRAIN, Labels, Pooled, Relabelled
from ..data.unlabelled import read_questions
from ..encoders.checkpoint import Checkpoint
from ..labels.pseudo import Thresholds, by_thresholds
from ..labels.teacher import MODEL, Teacher, TrainedTeacher
from ..metrics.ranking import score_ranking
from ..samplers.ann import ANNHard
from ..samplers.base import Example, Pool
from ..store import Recipe, describe
from ..training.settings import TrainSettings
from .codes import scan_of
from .fits import ELSEWHERE, SHARED, trained_by
from .rankings import RankingSteps
from .steps import Stored
from .texts import read_lists, without, write_lists
from .vectors import QUERIES_TOGETHER
from .versions import VERSIONS

log = logging.getLogger(__name__)

IDS, SCORES, LABELLED, SUMMARY = "ids.npy", "scores.npy", "labelled.npy", "labels.json"
TRIED = 500  # questions, at most, on which a teacher is compared with the retriever that it labels for
TRIED_SHARE = 4  # of so many labelled questions there is one of these
METRIC = "MRR@10"


class LabelSteps(RankingSteps):
    """Teachers and pseudo labels."""

    def pooled(self, file: str | None) -> Self:
        """This lab with the unlabelled questions of `file` behind the train questions; tells which are left out."""
        pool = Pooled(self.corpus, read_questions(Path(file).expanduser()) if file else ())
        if file:
            count = len(pool.queries(TRAIN)) - len(self.corpus.queries(TRAIN))
            log.info(
                "%s: %s unlabelled questions; left out: %s of the dev or test split, %s of the train split or repeated",
                *(file, *(f"{number:,}" for number in (count, pool.left_out["held out"], pool.left_out["known"]))),
            )
        return self._over(pool)

    def relabelled(self, labels: Labels, *, judged: bool) -> Self:
        """This lab with `labels` for the train questions; `judged`: beside the data's own positives, else alone.

        The labels' negatives are the train questions' hard negatives.
        """
        pool = self.corpus if isinstance(self.corpus, Pooled) else Pooled(self.corpus)
        return self._over(Relabelled(pool, labels, judged=judged))

    def trained_with(self, settings: TrainSettings) -> Self:
        """This lab with other settings of trainings."""
        other = copy.copy(self)
        other.settings = settings
        return other

    def _over(self, corpus: Corpus) -> Self:
        """A lab over another corpus that counts what it uses as this one's."""
        other = copy.copy(self)
        other.corpus = corpus
        return other

    def fit_teacher(self, teacher: Teacher, base: Checkpoint, depth: int, settings: TrainSettings) -> TrainedTeacher:
        """Train a cross-encoder on the judged train pairs and, as negatives, the other passages that `base` ranks
        among its best `depth`; a ready one is taken as it comes. Killed, it continues from its last checkpoint.
        """
        encoder = teacher.encoder
        weights = {"weights": encoder.fingerprint()}
        start = Recipe("teacher", describe(encoder, ELSEWHERE), weights, VERSIONS["teacher"]).key
        if teacher.ready:
            return TrainedTeacher(teacher, None, start)
        rows = self.sample_queries(TRAIN, settings.visits)
        near, positives = self.nearest(base, TRAIN, rows, depth), self.corpus.positives(TRAIN)
        spared = self.corpus.spared(TRAIN)
        others = without(np.asarray(near.array), spared.take(rows)).spread(rows, len(positives))
        learned = positives.take(rows).spread(rows, len(positives))
        (queries, queries_key), (passages, passages_key) = self.tokens(encoder, TRAIN), self.tokens(encoder)
        drawn = ANNHard(negatives=teacher.negatives, depth=depth, positive=teacher.positive)
        sampler = drawn.resolved(self.corpus.positive)
        pool = Pool(learned, others, len(self.corpus.passages), settings.batch_size, self.seed, spared)

        def write(folder: Path) -> None:
            from ..labels.teaching import TeacherTraining
            from ..training.base import Place
            from ..training.loop import train

            def batches(epoch: int) -> list[list[Example]]:
                return list(sampler.batches(pool, epoch))

            training = TeacherTraining(
                batches=batches,
                settings=settings,
                seed=self.seed,
                teacher=teacher,
                queries=queries,
                passages=passages,
            )
            train(training, Place(folder, self.device, self.watched("teacher")))

        config = {"sampler": describe(sampler), "seed": self.seed} | trained_by(settings, self.device)
        inputs = {
            "start": start,
            "queries": queries_key,
            "passages": passages_key,
            **self.judged(TRAIN),
            "ranking": near.key,
        }
        options: dict[str, Any] = {"device": self.device, "about": "cross-encoder", **SHARED}
        artifact = self.make("train", "teacher", config, inputs, write, **options)
        self.replay("teacher", artifact)
        return TrainedTeacher(teacher, artifact.folder / MODEL, artifact.key)

    def pseudo_labels(
        self, teacher: TrainedTeacher, base: Checkpoint, depth: int, thresholds: Thresholds, limit: int | None
    ) -> Labels:
        """Label what `base` ranks among its best `depth` passages of each train question by the teacher's scores.

        With a `limit`, of so many questions, drawn with the seed. How good the teacher is, and how many labels it
        gave, is logged and kept in `reported`. Raises LabradorError when the thresholds leave no positive or no
        negative.
        """
        count = len(self.corpus.queries(TRAIN))
        rows = np.arange(count)
        if limit is not None and limit < count:
            rows = np.sort(np.random.default_rng(self.seed).choice(count, size=limit, replace=False))
        quality = self._quality(teacher, base, depth, -(-len(rows) // TRIED_SHARE))
        near = self.nearest(base, TRAIN, rows, depth)
        scores = self.judge(teacher, TRAIN, rows, near)
        spared = self.corpus.spared(TRAIN)

        def write(folder: Path) -> None:
            found = by_thresholds(near.array, np.asarray(scores.array), spared.take(rows), thresholds)
            for name, lists in (("positives", found.positives), ("negatives", found.negatives)):
                (folder / name).mkdir()
                write_lists(folder / name, lists.spread(rows, count))
            np.save(folder / LABELLED, np.isin(np.arange(count), rows), allow_pickle=False)
            (folder / SUMMARY).write_text(json.dumps(found.counts(), allow_nan=False))

        inputs = {"ranking": near.key, "scores": scores.key, **self.judged(TRAIN)}
        about = f"of {len(rows):,} questions"
        made = self.make("train", "labels", describe(thresholds), inputs, write, about=about)
        named = {"teacher": teacher.teacher.called, **asdict(thresholds)}
        self._report(named | json.loads((made.folder / SUMMARY).read_text()) | quality)
        positives, negatives = (read_lists(made.folder / name) for name in ("positives", "negatives"))
        return Labels(positives, negatives, np.array(open_array(made.folder / LABELLED)), made.key)

    def _report(self, summary: dict[str, Any]) -> None:
        log.info(
            "pseudo labels: %s positives and %s negatives among %s scored passages of %s questions, %s of which have "
            "no positive; scores in tenths from 0: %s",
            *(f"{summary[name]:,}" for name in ("positives", "negatives", "scored", "questions", "without_positive")),
            ", ".join(f"{count:,}" for count in summary["histogram"]),
        )
        self.reported["labels"] = summary

    def _quality(self, teacher: TrainedTeacher, base: Checkpoint, depth: int, limit: int) -> dict[str, Any]:
        """MRR@10 of the base retriever's best passages in its order and in the teacher's, on at most `limit` questions
        of the dev split or, where the data has none with judgements, of the test split.
        """
        split = next((name for name in ("dev", "test") if self._judged(name)), None)
        if split is None:
            untried = "no dev or test questions with judgements: the teacher was not tried"
            log.warning(untried)
            return {"judged_on": None, "warning": untried}
        rows = self.sample_queries(split, min(TRIED, limit))
        near = self.nearest(base, split, rows, depth)
        scores = np.asarray(self.judge(teacher, split, rows, near).array)
        order = np.argsort(-np.nan_to_num(scores, nan=-1.0), axis=1, kind="stable")
        positives = self.corpus.positives(split).take(rows)
        places = np.repeat(np.arange(len(rows)), positives.lengths)
        qrels = places, positives.values, np.ones(len(places), dtype=np.int64)
        figures = {}
        for name, ids in (("base", near.array), ("teacher", np.take_along_axis(near.array, order, axis=1))):
            found = score_ranking(np.asarray(ids), qrels, passages=len(self.corpus.passages), metrics=(METRIC,))
            figures[f"{name} {METRIC}"] = found.means[METRIC]
        told = {"judged_on": split, "judged_questions": len(rows), **figures, "warning": None}
        before, after = figures.values()
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if value is not None)
        log.info("teacher, tried on %s %s questions: %s", len(rows), split, shown)
        if before is not None and after is not None and after <= before:
            told["warning"] = f"the teacher ({after:.3f} {METRIC}) is no better than what it labels for ({before:.3f})"
            log.warning("%s: train it longer, or name a better one in retriever.teacher", told["warning"])
        return told

    def _judged(self, split: str) -> bool:
        return split in self.corpus.splits and len(self.sample_queries(split, 1)) > 0

    def nearest(self, checkpoint: Checkpoint, split: str, rows: NDArray[np.int64], k: int) -> Stored:
        """The best `k` passages of the questions `rows` [R] of `split` by their vectors, positives too: ids [R, k], of
        all passages where there are no more.

        -1 stands where a question is one of them itself. Killed, it continues where it was.
        """
        passages, queries = self.passages(checkpoint), self.queries(checkpoint, split)
        k = min(k, len(passages.array))

        def write(folder: Path) -> None:
            index = scan_of(passages.array)

            def make(first: int, last: int, progress: Callable[[int], Any]) -> NDArray[np.int64]:
                asked = self.asked(np.asarray(queries.array[rows[first:last]]), split, rows[first:last])
                found = index.search(asked, k).ids
                progress(last - first)
                return found

            plan = Plan((len(rows), k), np.int64, QUERIES_TOGETHER)
            write_shards(folder / IDS, plan, make, verb="searching", unit=" queries")

        inputs = {"passages": passages.key, "queries": queries.key, **self.left_out(split)}
        config = {"k": k} | self._drawn(split, rows)
        about = f"best {k} of {len(rows):,} {split} questions"
        artifact = self.make("train", "nearest", config, inputs, write, about=about, **SHARED)
        return Stored(open_array(artifact.folder / IDS), artifact.key)

    def judge(self, teacher: TrainedTeacher, split: str, rows: NDArray[np.int64], near: Stored) -> Stored:
        """The teacher's scores [R, k], from 0 to 1, of the passages `near` [R, k] of the questions `rows` of `split`.

        Killed, it continues where it was.
        """
        from ..machine.devices import precision

        encoder = teacher.teacher.encoder
        (queries, queries_key), (passages, passages_key) = self.tokens(encoder, split), self.tokens(encoder)
        chosen = precision(self.device) if encoder.precision == "auto" else encoder.precision

        def write(folder: Path) -> None:
            from ..labels.scoring import Pairs, write_scores
            from ..machine.devices import pick_device

            pairs = Pairs(queries, passages, rows, np.asarray(near.array))
            write_scores(teacher.load(), pairs, folder / SCORES, chosen, pick_device(self.device))

        inputs = {"teacher": teacher.key, "ranking": near.key, "queries": queries_key, "passages": passages_key}
        about = f"{near.array.size:,} pairs, by the teacher"
        artifact = self.make(
            "train", "scored", {"precision": chosen}, inputs, write, device=self.device, about=about, **SHARED
        )
        return Stored(open_array(artifact.folder / SCORES).reshape(near.array.shape), artifact.key)

    def _drawn(self, split: str, rows: NDArray[np.int64]) -> dict[str, str]:
        """What tells drawn rows from all of a split's, and from others of the same number."""
        if len(rows) == len(self.corpus.queries(split)):
            return {}
        return {"rows": hashlib.blake2b(np.ascontiguousarray(rows, dtype="<i8").tobytes(), digest_size=16).hexdigest()}
