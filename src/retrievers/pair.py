"""PAIR (Ren et al., Findings of ACL 2021): a cross-encoder's labels, and passages kept apart from one another, too.

python run.py retriever=pair data=msmarco
python run.py retriever=pair retriever.extra_queries=questions.txt         # unlabelled questions are labelled as well
python run.py -m retriever=pair retriever.stages=both,first retriever.alpha=0,0.1
python run.py retriever=pair retriever.stages=second                       # the second stage has no alpha
"""

from dataclasses import dataclass, replace
from typing import Literal

from ..data.corpus import Corpus
from ..encoders.base import Encoder
from ..errors import LabradorError, settings_of
from ..indexes.search import Search
from ..lab import Lab, Trained
from ..losses.contrastive import Contrastive
from ..losses.pair import PAIRLoss
from ..quantizers.base import Quantizer
from ..training.settings import TrainSettings
from .base import need_train_pairs
from .labelled import Teaching


@dataclass(frozen=True, kw_only=True)
class Pair(Teaching):
    """Trains one encoder of both sides on pseudo labels by (1 - alpha) L_Q + alpha L_P, then on all labels by L_Q."""

    alpha: float = 0.1
    stages: Literal["both", "first", "second"] = "both"
    negatives: Literal["cross_batch", "in_batch"] = "cross_batch"
    second_batch_size: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        with settings_of("retriever"):
            _ = self.pretraining
        if self.stages == "second" and self.alpha != Pair.alpha:
            raise LabradorError(
                f"retriever.alpha={self.alpha} with retriever.stages=second: it weighs the losses of the first stage, "
                "which is left out; use retriever.stages=both or first, or leave retriever.alpha out"
            )

        if self.second_batch_size is not None and self.second_batch_size < 1:
            raise LabradorError(f"retriever.second_batch_size={self.second_batch_size}: expected 1 or more, or null")
        if self.second_batch_size is not None and self.stages == "first":
            raise LabradorError(
                f"retriever.second_batch_size={self.second_batch_size} with retriever.stages=first: there is no second "
                "stage; use retriever.stages=both or second, or leave it out"
            )

    @property
    def pretraining(self) -> PAIRLoss:
        """The objective of the first stage."""
        return PAIRLoss(temperature=self.temperature, alpha=self.alpha)

    @property
    def shared(self) -> Encoder:
        """The encoder with one tower for questions and passages."""
        return replace(self.encoder, shared=True)

    def check(self, quantizer: Quantizer, search: Search) -> None:
        if self.sampler.mined_by == "checkpoint":
            raise LabradorError(
                "sampler: retriever=pair draws hard negatives among its teacher's labels, not among what a checkpoint "
                "finds; use sampler=bm25, which draws among those, or sampler=random"
            )
        super().check(quantizer, search)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "retriever=pair")
        super().check_corpus(corpus, quantizer)
        self.sampler.check(len(corpus.passages), corpus.spared("train"))

    def second_settings(self, train: TrainSettings) -> TrainSettings:
        """The settings of the second stage. Raises LabradorError where its batch cannot be worked in as many parts."""
        if self.second_batch_size is None:
            return train
        if self.second_batch_size % train.gradient_accumulation:
            raise LabradorError(
                f"retriever.second_batch_size={self.second_batch_size}: expected a multiple of "
                f"train.gradient_accumulation={train.gradient_accumulation}"
            )
        return replace(train, batch_size=self.second_batch_size)

    def train(self, lab: Lab) -> Trained:
        """Label, train on the pseudo labels, go on with pseudo labels and judgements together.

        A second stage with a batch of its own is what one node makes of it: all its passages are negatives.
        """
        second = self.second_settings(lab.settings)
        pool, labels = self.label(lab)
        gathered = self.negatives == "cross_batch"
        checkpoint = lab.pretrained(self.shared)
        if self.stages != "second":
            first = lab.with_settings(lab.settings, gathered=gathered)
            taught = lab.labelled(pool, labels, judged=False)
            checkpoint = first.fit(checkpoint, self.pretraining, self.sampler, taught, name="pair, stage 1")
        if self.stages != "first":
            last = lab.with_settings(second, gathered=gathered or self.second_batch_size is not None)
            taught = lab.labelled(pool, labels, judged=True)
            objective = Contrastive(temperature=self.temperature)
            checkpoint = last.fit(checkpoint, objective, self.sampler, taught, name="pair, stage 2")
        return Trained(search=checkpoint)
