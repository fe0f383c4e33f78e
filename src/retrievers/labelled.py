"""Retrievers that can learn from a teacher's labels: from the data's judgements and, beside them, pseudo labels."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..data.corpus import Corpus
from ..data.questions import read_questions
from ..data.relabelled import Labels
from ..encoders.base import Encoder
from ..encoders.hub import HubEncoder
from ..errors import LabradorError, settings_of
from ..indexes.search import Search
from ..lab import Lab
from ..labels.pseudo import Thresholds
from ..labels.teacher import Teacher, TrainedTeacher
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..samplers.bm25 import BM25Hard
from ..training.settings import TrainSettings
from .base import DenseRetriever

OWN = ("teacher_epochs", "teacher_batch_size", "teacher_learning_rate")  # of the training of a teacher
LABELLING = ("teacher", "train_teacher", *OWN, "extra_queries", "label_questions")  # of no effect without labelling


@dataclass(frozen=True, kw_only=True)
class Teaching(DenseRetriever):
    """Has a cross-encoder label what a base retriever finds (PAIR, Ren et al., Findings of ACL 2021, section 3.3)."""

    temperature: float = 1.0
    teacher: str | None = None
    train_teacher: bool | None = None
    teacher_negatives: int = 4
    teacher_epochs: int | None = None
    teacher_batch_size: int | None = None
    teacher_learning_rate: float | None = None
    extra_queries: str | None = None
    label_depth: int = 50
    label_questions: int | None = None
    positive_above: float = 0.9
    negative_below: float = 0.1

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise LabradorError(f"retriever.temperature={self.temperature}: a number above 0 was expected")
        for name in ("label_depth", "label_questions"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise LabradorError(f"retriever.{name}={value}: 1 or more was expected")
        with settings_of("retriever"):
            _ = self.thresholds, self.judge
        if self.train_teacher is not None and self.teacher is None:
            raise LabradorError(
                f"retriever.train_teacher={self.train_teacher} without retriever.teacher: a teacher that is not named "
                "is always trained here; name one in retriever.teacher, or leave it out"
            )
        for name in OWN:
            if self.judge.ready and getattr(self, name) is not None:
                raise LabradorError(
                    f"retriever.{name}={getattr(self, name)}: the teacher {self.teacher} is used as it comes; set "
                    "retriever.train_teacher=true to train it, or leave it out"
                )
        _ = self.teacher_settings(TrainSettings())

    @property
    def teaches(self) -> bool:
        """Whether a teacher labels for this retriever."""
        return True

    @property
    def thresholds(self) -> Thresholds:
        """What makes a label of a score."""
        return Thresholds(positive_above=self.positive_above, negative_below=self.negative_below)

    @property
    def judge(self) -> Teacher:
        """The teacher: of the encoder's own model, unless another is named."""
        encoder: Encoder = self.encoder
        if self.teacher is not None:
            encoder = HubEncoder(
                model=self.teacher,
                max_query_length=encoder.max_query_length,
                max_passage_length=encoder.max_passage_length,
            )
        encoder = replace(encoder, query_prefix="", passage_prefix="")
        ready = self.teacher is not None and not self.train_teacher
        return Teacher(encoder=encoder, ready=ready, negatives=self.teacher_negatives)

    def teacher_settings(self, train: TrainSettings) -> TrainSettings:
        """The settings of the teacher's training: AdamW, and those of the retriever's where no others are given.

        With epochs of its own it makes all their steps, with a batch size of its own a batch is worked in one part.
        """
        own: dict[str, Any] = {"optimizer": "adamw"}
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, f"teacher_{name}") is not None:
                own[name] = getattr(self, f"teacher_{name}")
        own |= {"max_steps": None} if "epochs" in own else {}
        own |= {"gradient_accumulation": 1} if "batch_size" in own else {}
        try:
            return replace(train, **own)
        except LabradorError as error:
            raise LabradorError(str(error).replace("train.", "retriever.teacher_")) from error

    def check(self, quantizer: Quantizer, search: Search) -> None:
        """Also reads a ready teacher's weights, so that one without a head is told now."""
        super().check(quantizer, search)
        if self.teaches and self.teacher is not None:
            try:
                if self.judge.ready:
                    TrainedTeacher(self.judge, None, "").load()
                else:
                    self.judge.encoder.width()
            except LabradorError as error:
                raise LabradorError(str(error).replace("encoder.model=", "retriever.teacher=")) from error

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        if self.teaches and self.extra_queries is not None:
            try:
                read_questions(Path(self.extra_queries).expanduser())
            except LabradorError as error:
                raise LabradorError(f"retriever.extra_queries={error}") from error
        super().check_corpus(corpus, quantizer)

    def label(self, lab: Lab) -> tuple[Lab, Labels]:
        """Train a base retriever and a teacher, and let it label: a lab over all questions, and their pseudo labels.

        The base retriever is DPR's checkpoint of the same settings.
        """
        base = lab.fit(self.encoder, Contrastive(temperature=self.temperature), BM25Hard(), name="base retriever")
        teacher = lab.fit_teacher(self.judge, base, self.label_depth, self.teacher_settings(lab.settings))
        pool = lab.pooled(self.extra_queries)
        limit = self.label_questions or lab.settings.visits
        return pool, pool.pseudo_labels(teacher, base, self.label_depth, self.thresholds, limit)


@dataclass(frozen=True, kw_only=True)
class Labelled(Teaching):
    """Learns from judged pairs or, with labels=pseudo, from these and a teacher's labels."""

    labels: Literal["gold", "pseudo"] = "gold"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in LABELLING:
            if self.labels == "gold" and getattr(self, name) is not None:
                raise LabradorError(
                    f"retriever.{name}={getattr(self, name)} with retriever.labels=gold: it has no effect without a "
                    "teacher's labels; set retriever.labels=pseudo, or leave it out"
                )

    @property
    def teaches(self) -> bool:
        return self.labels == "pseudo"

    def taught(self, lab: Lab) -> Lab:
        """The lab whose train questions have the labels that this retriever learns from."""
        if not self.teaches:
            return lab
        pool, labels = self.label(lab)
        return pool.relabelled(labels, judged=True)
