"""Retrievers that can learn from a teacher's labels: from the data's judgements and, beside them, pseudo labels."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ..data.corpus import Corpus
from ..data.unlabelled import read_questions
from ..encoders.base import SHORTEST, Encoder
from ..encoders.hub import HubEncoder
from ..errors import LabradorError, settings_of
from ..indexes.search import Search
from ..lab import Base, Lab
from ..labels.pseudo import Thresholds
from ..labels.teacher import Teacher, TrainedTeacher
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..training.settings import TrainSettings
from ..training.train_set import Labels, TrainSet
from .base import DenseRetriever, need_others

TRAINING = ("epochs", "batch_size", "learning_rate")  # what a teacher's training has of its own: teacher_epochs, ...
OWN = ("teacher_negatives", *(f"teacher_{name}" for name in TRAINING))  # of no effect on a teacher that is ready
SHARED = ("encoder", "sampler", "temperature")  # of `Teaching`, and of use without a teacher, too

RATE, WIDTH = 2e-4, 384  # learning rate of a teacher up to that width; a wider one's falls with the square of its width
TAUGHT = 2  # with train.max_steps, a teacher visits so many times the questions: it must come to be sure
VISITED = 8  # with train.max_steps, one of so many of the questions visited is labelled: each costs many scores
LENGTH, SHORT = 128, 64  # tokens of a passage that a teacher reads; with train.max_steps one that is trained here
ENCODERS = {  # what messages say of an encoder, and what is meant by it of a teacher
    r"encoder=minilm or ": "",
    r"encoder\.model=": "retriever.teacher=",
    r"encoder\.max_passage_length=": "retriever.teacher_passage_length=",
    r"encoder\.max_query_length=(\d+): the model reads (\d+) tokens at most; .*": (
        r"it reads \2 tokens at most, and questions have up to \1; use another teacher"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Teaching(DenseRetriever):
    """Has a cross-encoder label what a base retriever finds (PAIR, Ren et al., Findings of ACL 2021, section 3.3)."""

    temperature: float = 1.0
    teacher: str | None = None
    train_teacher: bool | None = None
    teacher_passage_length: int | None = None
    teacher_negatives: int = 1
    teacher_epochs: int | None = None
    teacher_batch_size: int = 24
    teacher_learning_rate: float | None = None
    extra_queries: str | None = None
    label_depth: int = 50
    label_questions: int | None = None
    positive_above: float = 0.9
    negative_below: float = 0.1

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise LabradorError(f"retriever.temperature={self.temperature}: a number above 0 was expected")
        for name, least in (("label_depth", 1), ("label_questions", 1), ("teacher_passage_length", SHORTEST)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise LabradorError(f"retriever.{name}={value}: {least} or more was expected")
        with settings_of("retriever"):
            _ = self.thresholds, self.judge()
        if self.train_teacher is not None and self.teacher is None:
            raise LabradorError(
                f"retriever.train_teacher={self.train_teacher} without retriever.teacher: a teacher that is not named "
                "is always trained here; name one in retriever.teacher, or leave it out"
            )
        if self.judge().ready:
            self._refuse(OWN, f": the teacher {self.teacher} is used as it comes", "train_teacher=true to train it")
        _ = self.teacher_settings(TrainSettings(), RATE)

    def _refuse(self, names: Iterable[str], why: str, instead: str) -> None:
        """Raise LabradorError for the first of these settings that is not as it comes: it would have no effect."""
        usual = {field.name: field.default for field in fields(self)}
        for name in names:
            if getattr(self, name) != usual[name]:
                given = f"retriever.{name}={getattr(self, name)}"
                raise LabradorError(f"{given}{why}; set retriever.{instead}, or leave it out")

    @property
    def teaches(self) -> bool:
        """Whether a teacher labels for this retriever."""
        return True

    @property
    def thresholds(self) -> Thresholds:
        """What makes a label of a score."""
        return Thresholds(positive_above=self.positive_above, negative_below=self.negative_below)

    def judge(self, quick: bool = False) -> Teacher:
        """The teacher: of the encoder's own model, unless another is named; `quick`: train.max_steps is set."""
        encoder: Encoder = self.encoder
        if self.teacher is not None:
            encoder = HubEncoder(model=self.teacher, max_query_length=encoder.max_query_length)
        ready = self.teacher is not None and not self.train_teacher
        length = self.teacher_passage_length or (SHORT if quick and not ready else LENGTH)
        length = min(length, self.encoder.max_passage_length)
        encoder = replace(encoder, query_prefix="", passage_prefix="", segments=False, max_passage_length=length)
        return Teacher(
            encoder=encoder,
            name=self.teacher,
            ready=ready,
            negatives=self.teacher_negatives,
            positive=self.sampler.positive,
        )

    def teacher_settings(self, train: TrainSettings, rate: float) -> TrainSettings:
        """The settings of the teacher's training: AdamW, and those of the retriever's where it has none of its own.

        `rate` is its learning rate where none is given; it rises for the share train.warmup of its own steps, whatever
        train.warmup_steps. With train.max_steps it visits twice as many questions as those steps do; with epochs of its
        own it makes all their steps. A batch is worked in one part, without dropout unless train.dropout has some, so
        that few steps are enough.
        """
        own: dict[str, Any] = {"optimizer": "adamw", "gradient_accumulation": 1, "learning_rate": rate}
        own["dropout"] = train.dropout or 0.0
        own |= {name: value for name in TRAINING if (value := getattr(self, f"teacher_{name}")) is not None}
        own["max_steps"] = own["warmup_steps"] = None
        if self.teacher_epochs is None and train.visits is not None:
            own["max_steps"] = -(-TAUGHT * train.visits // self.teacher_batch_size)
        try:
            return replace(train, **own)
        except LabradorError as error:
            raise LabradorError(str(error).replace("train.", "retriever.teacher_")) from error

    def check(self, quantizer: Quantizer, search: Search) -> None:
        """Also reads the teacher's model, so that one that cannot judge pairs of texts is told now."""
        super().check(quantizer, search)
        if self.teaches:
            try:
                TrainedTeacher(self.judge(), None, "").load()
            except LabradorError as error:
                raise LabradorError(of_teacher(str(error), self.teacher)) from error

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        if self.teaches and self.extra_queries is not None:
            try:
                read_questions(Path(self.extra_queries).expanduser())
            except LabradorError as error:
                raise LabradorError(f"retriever.extra_queries={error}") from error
        if self.teaches:
            need_others(corpus, "a teacher and its base retriever")
        super().check_corpus(corpus, quantizer)

    def label(self, lab: Lab) -> tuple[TrainSet, Labels]:
        """Train a base retriever and a teacher, and let it label: all train queries, and their pseudo labels.

        The base retriever is DPR's checkpoint of the same settings.
        """
        dpr = lab.fit(self.encoder, Contrastive(temperature=self.temperature), self.by_words, name="base retriever")
        base = Base(dpr, self.label_depth)
        judge = self.judge(quick=lab.settings.visits is not None)
        settings = self.teacher_settings(lab.settings, RATE * min(1.0, WIDTH / judge.encoder.width()) ** 2)
        teacher = lab.fit_teacher(judge, base, settings)
        pool = lab.pooled(self.extra_queries)
        limit = self.label_questions
        if limit is None and lab.settings.visits is not None:
            limit = -(-lab.settings.visits // VISITED)
        return pool, lab.pseudo_labels(teacher, base, pool, self.thresholds, limit)


def of_teacher(message: str, teacher: str | None) -> str:
    """What an encoder says of its settings, said of the teacher's; None is the encoder's own model."""
    for encoders, teachers in ENCODERS.items():
        message = re.sub(encoders, teachers, message)
    named = "null" if teacher is None else teacher
    return message if "retriever.teacher" in message else f"retriever.teacher={named}: {message}"


@dataclass(frozen=True, kw_only=True)
class Labelled(Teaching):
    """Learns from judged pairs or, with labels=pseudo, from these and a teacher's labels."""

    labels: Literal["gold", "pseudo"] = "gold"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.teaches:
            labelling = (field.name for field in fields(Teaching) if field.name not in SHARED)
            why = " with retriever.labels=gold: it has no effect without a teacher's labels"
            self._refuse(labelling, why, "labels=pseudo")

    @property
    def teaches(self) -> bool:
        return self.labels == "pseudo"

    def taught(self, lab: Lab) -> TrainSet:
        """The train set that this retriever learns from."""
        if not self.teaches:
            return lab.train_set()
        return lab.labelled(*self.label(lab), judged=True)
