"""What a retriever is: a recipe of the lab's memoised steps."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ..data.corpus import Corpus
from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..errors import LabradorError
from ..indexes.search import Search
from ..lab import Lab, Ranking, Trained
from ..losses.base import Objective
from ..quantizers.base import Quantizer
from ..quantizers.supervised import SupervisedQuantizer
from ..samplers.base import Sampler
from ..samplers.bm25 import BM25Hard
from ..settings import component
from ..training.train_set import TrainSet


@component
class Retriever(ABC):
    """Knows the lab's steps; not files, Hydra or metrics."""

    learns: ClassVar[bool] = True  # from the train queries

    @property
    def option(self) -> str:
        """What the command line calls it: retriever=..."""
        return type(self).__name__.lower()

    def unused(self, search: Search) -> tuple[str, ...]:
        """The groups whose choice has no part in what this retriever finds with `search`."""
        return ()

    @abstractmethod
    def check(self, quantizer: Quantizer, search: Search) -> None:
        """Raise LabradorError, before the data is touched, for a combination that cannot mean anything."""

    @abstractmethod
    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        """Raise LabradorError, before any long step, for a corpus that this combination cannot work on."""

    @abstractmethod
    def rank(self, lab: Lab, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        """The best passages of every query of `split`."""


@component
class DenseRetriever(Retriever):
    """A retriever whose vectors come from a trained encoder; `train` is its paper's algorithm."""

    encoder: Encoder
    sampler: Sampler

    @property
    def lexical(self) -> BM25Hard:
        """What draws hard negatives in the trainings that the sampler is not for: among BM25's best passages."""
        return BM25Hard(positive=self.sampler.positive)

    @abstractmethod
    def train(self, lab: Lab) -> Trained:
        """Run the method's steps, in the order of its paper."""

    def own(self, quantizer: Quantizer) -> Quantizer:
        """The quantizer as this retriever uses it: another where it learns one of that kind itself."""
        return quantizer

    def check(self, quantizer: Quantizer, search: Search) -> None:
        self.encoder.check()
        search.check(self.own(quantizer), self.encoder.dimension)
        self.own(quantizer).check(self.encoder.dimension)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        if quantizer.supervised:
            need_judged(corpus, f"quantizer={quantizer.option}")
        own = self.own(quantizer)
        own.check(self.encoder.dimension, len(corpus.passages))
        if own is quantizer and isinstance(own, SupervisedQuantizer):
            own.check_spare(spare_passages(corpus))

    def rank(self, lab: Lab, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        return lab.rank(self.train(lab), quantizer, search, split)


def fit_rounds(
    lab: Lab, retriever: DenseRetriever, loss: Objective, train_set: TrainSet, first: Objective | None = None
) -> Checkpoint:
    """One round of training or, where the sampler draws among what a checkpoint finds, two: the first has BM25's
    negatives, and the second goes on from it, or starts anew where the sampler says so.

    first: the loss of a first round that the second does not go on from; None: the same.
    """
    encoder, sampler, name = retriever.encoder, retriever.sampler, retriever.option
    if sampler.mined_by != "checkpoint":
        return lab.fit(encoder, loss, sampler, train_set, name=name)
    mining = first if first is not None and sampler.from_start else loss
    miner = lab.fit(encoder, mining, retriever.lexical, train_set, name=f"{name}, first round")
    mined = train_set.mined(lab.search(miner, train_set, k=sampler.depth))
    return lab.fit(encoder if sampler.from_start else miner, loss, sampler, mined, name=name)


def need_judged(corpus: Corpus, choice: str, sampler: Sampler | None = None) -> None:
    """Raise LabradorError unless the data has judged train queries for `choice` ("retriever=dpr") to learn from, and
    passages enough for the negatives of the `sampler`.
    """
    if "train" not in corpus.splits:
        raise LabradorError(
            f"{choice}: expected judged train queries to learn from, the data has no train split (it has "
            f"{', '.join(corpus.splits)}); add one (beir: qrels/train.tsv), or use retriever=pretrained or "
            "retriever=bm25 with a quantizer that learns from passages alone (flat, sq8, lsh, pq, opq, rabitq)"
        )
    if sampler is not None:
        sampler.check(len(corpus.passages), corpus.spared("train"))


def spare_passages(corpus: Corpus) -> int:
    """How many passages may be negatives of the train query that has the fewest such."""
    return max(0, len(corpus.passages) - int(corpus.spared("train").lengths.max(initial=0)))


def need_others(corpus: Corpus, choice: str) -> None:
    """Raise LabradorError unless every train query has a passage that may be its negative: `choice` has trainings
    with BM25's negatives, whatever the sampler.
    """
    if spare_passages(corpus) < 1:
        raise LabradorError(
            f"{choice}: expected passages to draw BM25's negatives from, a train query has no passage besides its "
            f"positives (the corpus has {len(corpus.passages):,}); use retriever=pretrained, or a larger corpus"
        )
