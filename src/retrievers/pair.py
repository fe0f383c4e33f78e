"""PAIR (Ren et al., Findings of ACL 2021): a cross-encoder's labels, and passages kept apart from one another, too.

python run.py retriever=pair data=msmarco
python run.py retriever=pair retriever.extra_queries=questions.txt         # unlabelled queries are labelled as well
python run.py -m retriever=pair retriever.stages=both,first retriever.alpha=0,0.1
python run.py retriever=pair retriever.stages=second                       # the second stage has no alpha
"""

from dataclasses import replace
from typing import Literal

from ..data.corpus import Corpus
from ..encoders.base import Encoder
from ..errors import LabradorError, SettingError
from ..indexes.search import Search
from ..lab import Lab, Trained
from ..losses.contrastive import Contrastive
from ..losses.pair import PAIRLoss
from ..quantizers.base import Quantizer
from ..settings import component, nested, setting
from ..training.settings import TrainSettings
from .base import DenseRetriever, need_judged
from .labelling import Labelling, label


@component
class PAIR(DenseRetriever):
    """Trains one encoder of both sides on pseudo labels by (1 - alpha) L_Q + alpha L_P, then on all labels by L_Q."""

    loss: PAIRLoss = nested(PAIRLoss)
    stages: Literal["both", "first", "second"] = setting(
        "both", "stages to train: both, only the first (pseudo labels), or only the second (no pretraining)"
    )
    second_batch_size: int | None = setting(
        None,
        "queries per optimizer step of the second stage, with the whole batch's negatives; null: as in the first stage",
        ge=1,
    )
    negatives: Literal["cross_batch", "in_batch"] = setting(
        "cross_batch", "in-batch negatives from all processes (cross_batch), or from a process's own part (in_batch)"
    )
    labelling: Labelling = nested(Labelling, leave_out=("labels",), labels="pseudo")

    def __post_init__(self) -> None:
        if self.stages == "second" and self.loss.alpha != PAIRLoss.alpha:
            expected = "no value with stages=second: it weighs the losses of the first stage"
            remedy = "use retriever.stages=both or first, or leave it out"
            raise SettingError("alpha", self.loss.alpha, expected, remedy)
        if self.stages == "first" and self.second_batch_size is not None:
            expected = "null with stages=first: there is no second stage"
            remedy = "use retriever.stages=both or second, or leave it out"
            raise SettingError("second_batch_size", self.second_batch_size, expected, remedy)

    @property
    def contrastive(self) -> Contrastive:
        """The loss of the base retriever and of the second stage: L_Q."""
        return Contrastive(temperature=self.loss.temperature)

    @property
    def shared(self) -> Encoder:
        """The encoder with one tower for queries and passages."""
        return replace(self.encoder, shared=True)

    def check(self, quantizer: Quantizer, search: Search) -> None:
        if self.sampler.mined_by == "checkpoint":
            raise LabradorError(
                "sampler: retriever=pair draws hard negatives among its teacher's labels, not among what a checkpoint "
                "finds; use sampler=bm25, which draws among those, or sampler=random"
            )
        super().check(quantizer, search)
        self.labelling.check(self.encoder, self.sampler)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_judged(corpus, "retriever=pair")
        self.labelling.check_corpus(corpus)
        super().check_corpus(corpus, quantizer)
        self.sampler.check(len(corpus.passages), corpus.spared("train"))

    def second_settings(self, train: TrainSettings) -> TrainSettings:
        """The settings of the second stage. Raises SettingError where its batch cannot be worked in as many parts."""
        if self.second_batch_size is None:
            return train
        if self.second_batch_size % train.gradient_accumulation:
            expected = f"a multiple of train.gradient_accumulation={train.gradient_accumulation}"
            raise SettingError("second_batch_size", self.second_batch_size, expected, component="retriever")
        return replace(train, batch_size=self.second_batch_size)

    def train(self, lab: Lab) -> Trained:
        """Label, train on the pseudo labels, go on with pseudo labels and judgements together.

        A second stage with its own batch size is what one node makes of it: all its passages are negatives.
        """
        second = self.second_settings(lab.settings)
        queries, labels = label(lab, self.labelling, self.encoder, self.contrastive, self.lexical)
        gathered = self.negatives == "cross_batch"
        checkpoint = lab.pretrained(self.shared)
        if self.stages != "second":
            first = lab.with_settings(lab.settings, gathered=gathered)
            pseudo = lab.labelled(queries, labels, judged=False)
            checkpoint = first.fit(checkpoint, self.loss, self.sampler, pseudo, name="pair, stage 1")
        if self.stages != "first":
            last = lab.with_settings(second, gathered=gathered or self.second_batch_size is not None)
            both = lab.labelled(queries, labels, judged=True)
            checkpoint = last.fit(checkpoint, self.contrastive, self.sampler, both, name="pair, stage 2")
        return Trained(search=checkpoint)
