"""Pseudo labels (PAIR, Ren et al., Findings of ACL 2021, section 3.3): a cross-encoder labels what a base retriever
finds, and any retriever can learn from that.
"""

from collections.abc import Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Literal

from ..data.corpus import Corpus
from ..data.unlabelled import read_questions
from ..encoders.base import SHORTEST, Encoder
from ..encoders.hub import HubEncoder
from ..errors import LabradorError, SettingError
from ..lab import BaseRetriever, Lab
from ..labels.pseudo import Thresholds
from ..labels.teacher import Teacher, TrainedTeacher
from ..losses.contrastive import Contrastive
from ..samplers.base import Sampler
from ..samplers.bm25 import BM25Hard
from ..settings import component, declared, nested, setting
from ..training.settings import TrainSettings
from ..training.train_set import Labels, TrainSet
from .base import need_others

OF_TRAINING = ("teacher_negatives", "teacher_epochs", "teacher_batch_size", "teacher_learning_rate")
OF_TEACHER = {"model": "teacher", "max_passage_length": "teacher_passage_length"}  # from its encoder's settings
RATE, WIDTH = 2e-4, 384  # learning rate of a teacher up to that width; a wider one's falls with the square of its width
TAUGHT = 2  # with train.max_steps, a teacher visits this many times as many queries, to become sure
VISITED = 8  # with train.max_steps, one in this many of the visited queries is labelled: each costs many scores
LENGTH, SHORT = 128, 64  # tokens of a passage that a teacher reads; with train.max_steps one that is trained here


@component
class Labelling:
    """How a teacher labels, and how it is trained."""

    labels: Literal["gold", "pseudo"] = setting(
        "gold", "labels to learn from: judgements (gold), or judgements and a teacher's labels (pseudo)"
    )
    teacher: str | None = setting(
        None, "a cross-encoder, used as it comes; null: one is trained from the encoder's own model", path=True
    )
    train_teacher: bool | None = setting(None, "true: train the named teacher here")
    teacher_passage_length: int | None = setting(
        None,
        "tokens of a passage that the teacher reads; null: 128, or 64 when trained with train.max_steps",
        ge=SHORTEST,
    )
    teacher_negatives: int = setting(1, "negatives per positive in the teacher's training", ge=1)
    teacher_epochs: int | None = setting(None, "epochs of the teacher's training; null: train.epochs", ge=1)
    teacher_batch_size: int = setting(24, "queries per optimizer step of the teacher's training", ge=1)
    teacher_learning_rate: float | None = setting(
        None,
        "peak learning rate of the teacher, ten times as high for its head; null: 2e-4, or 5e-5 for 768 dimensions",
        gt=0,
    )
    extra_queries: str | None = setting(
        None, "file of unlabelled queries to label as well: one per line, or BEIR's queries.jsonl", path=True
    )
    label_depth: int = setting(50, "passages of each query that the teacher scores", ge=1)
    label_questions: int | None = setting(
        None, "maximum number of queries to label; null: all, or with train.max_steps an eighth of those visited", ge=1
    )
    thresholds: Thresholds = nested(Thresholds)

    def __post_init__(self) -> None:
        if not self.pseudo:
            self._refuse(declared(Labelling).keys() - {"labels"}, "labels=gold: there is no teacher", "labels=pseudo")
        if self.train_teacher is not None and self.teacher is None:
            expected = "null: a teacher that is not named is always trained here"
            raise SettingError("train_teacher", self.train_teacher, expected, "name one in retriever.teacher")
        if self.ready:
            self._refuse(OF_TRAINING, f"teacher={self.teacher}, which is used as it comes", "train_teacher=true")

    def _refuse(self, keys: Collection[str], where: str, remedy: str) -> None:
        """Raise SettingError for the first of these settings that is not its default: it would have no effect."""
        for part in (self, self.thresholds):
            for field in fields(part):
                value = getattr(part, field.name)
                if field.name in keys and value != field.default:
                    expected = f"no value with {where}"
                    raise SettingError(field.name, value, expected, f"set retriever.{remedy}, or leave it out")

    @property
    def pseudo(self) -> bool:
        """Whether a teacher labels."""
        return self.labels == "pseudo"

    @property
    def ready(self) -> bool:
        """Whether the teacher has been trained and is used as it comes."""
        return self.teacher is not None and not self.train_teacher

    def judge(self, encoder: Encoder, sampler: Sampler, quick: bool = False) -> Teacher:
        """The teacher of a retriever with this encoder and sampler; quick: train.max_steps is set."""
        model: Encoder = encoder
        if self.teacher is not None:
            model = HubEncoder(model=self.teacher, max_query_length=encoder.max_query_length)
        length = self.teacher_passage_length or (SHORT if quick and not self.ready else LENGTH)
        length = min(length, encoder.max_passage_length)
        return Teacher(
            encoder=replace(model, query_prefix="", passage_prefix="", segments=False, max_passage_length=length),
            name=self.teacher,
            ready=self.ready,
            negatives=self.teacher_negatives,
            positive=sampler.positive,
        )

    def training(self, train: TrainSettings, width: int) -> TrainSettings:
        """The settings of the training of a teacher of that width: AdamW, and those of the retriever's where it has
        none of its own.

        Its learning rate rises for the share train.warmup of its own steps, whatever train.warmup_steps. With
        train.max_steps it visits twice as many queries as those steps do; with epochs of its own it makes all their
        steps. A batch is worked in one part, without dropout unless train.dropout has some, so that few steps suffice.
        """
        few = self.teacher_epochs is None and train.visits is not None
        return replace(
            train,
            optimizer="adamw",
            gradient_accumulation=1,
            epochs=self.teacher_epochs or train.epochs,
            max_steps=-(-TAUGHT * (train.visits or 0) // self.teacher_batch_size) if few else None,
            batch_size=self.teacher_batch_size,
            learning_rate=self.teacher_learning_rate or RATE * min(1.0, WIDTH / width) ** 2,
            warmup_steps=None,
            dropout=train.dropout or 0.0,
        )

    def check(self, encoder: Encoder, sampler: Sampler) -> None:
        """Read the teacher's model: raise LabradorError now for one that cannot judge pairs of texts."""
        if not self.pseudo:
            return
        try:
            TrainedTeacher(self.judge(encoder, sampler), None, "").load()
        except SettingError as error:
            if error.key in OF_TEACHER:
                raise error.of("retriever", OF_TEACHER[error.key]) from error
            raise self._unfit(error) from error
        except LabradorError as error:
            raise self._unfit(error) from error

    def _unfit(self, error: LabradorError) -> SettingError:
        expected = "a model that can judge pairs of queries and passages"
        return SettingError("teacher", self.teacher, expected, f"of this one: {error}", "retriever")

    def check_corpus(self, corpus: Corpus) -> None:
        """Raise LabradorError for a file of queries that cannot be read, or a corpus without negatives."""
        if not self.pseudo:
            return
        if self.extra_queries is not None:
            try:
                read_questions(Path(self.extra_queries).expanduser())
            except LabradorError as error:
                expected = "a readable file of queries"
                raise SettingError("extra_queries", self.extra_queries, expected, str(error), "retriever") from error
        need_others(corpus, "a teacher and its base retriever")


def label(
    lab: Lab, labelling: Labelling, encoder: Encoder, loss: Contrastive, sampler: BM25Hard
) -> tuple[TrainSet, Labels]:
    """Train a base retriever and a teacher, and let it label: all train queries, and their pseudo labels.

    The base retriever is DPR's checkpoint of this encoder, loss and sampler.
    """
    base = BaseRetriever(lab.fit(encoder, loss, sampler, name="base retriever"), labelling.label_depth)
    judge = labelling.judge(encoder, sampler, quick=lab.settings.visits is not None)
    teacher = lab.fit_teacher(judge, base, labelling.training(lab.settings, judge.encoder.width()))
    queries = lab.pooled(labelling.extra_queries)
    limit = labelling.label_questions
    if limit is None and lab.settings.visits is not None:
        limit = -(-lab.settings.visits // VISITED)
    return queries, lab.pseudo_labels(teacher, base, queries, labelling.thresholds, limit)


def train_set(lab: Lab, labelling: Labelling, encoder: Encoder, loss: Contrastive, sampler: BM25Hard) -> TrainSet:
    """What a retriever learns from: the judged train queries or, with labels=pseudo, these and a teacher's labels."""
    if not labelling.pseudo:
        return lab.train_set()
    return lab.labelled(*label(lab, labelling, encoder, loss, sampler), judged=True)
