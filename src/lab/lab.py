"""`Lab`: what a retriever can do, step by step."""

from dataclasses import dataclass, replace

from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..indexes.search import Search
from ..labels.pseudo import Thresholds
from ..labels.teacher import Teacher, TrainedTeacher
from ..losses.base import Objective
from ..quantizers.base import Quantizer
from ..samplers.base import Sampler
from ..store import Artifact
from ..training.frozen import FrozenPassages
from ..training.settings import TrainSettings
from ..training.train_set import Candidates, Labels, TrainSet
from . import compress, label, mine, search, train
from .bench import Bench
from .label import BaseRetriever
from .search import Ranking
from .stored import StoredQuantizer, Trained


@dataclass(frozen=True)
class Lab:
    """The steps that retrievers are made of; each result is found in the store or computed.

    lab = Lab(Bench(store, corpus, TrainSettings(), seed=0))
    checkpoint = lab.fit(encoder, Contrastive(), BM25Hard(), name="dpr")
    ranking = lab.rank(Trained(search=checkpoint), OPQ(), Scan(), "test")
    scores = lab.score(ranking, "test", "dpr-opq", ("MRR@10",))
    """

    bench: Bench

    @property
    def settings(self) -> TrainSettings:
        """The settings of its trainings."""
        return self.bench.settings

    def with_settings(self, settings: TrainSettings, *, gathered: bool = True) -> "Lab":
        """This lab with other training settings; unless `gathered`, each process scores its queries against its own
        passages only.
        """
        return Lab(replace(self.bench, settings=settings, gathered=gathered))

    def train_set(self) -> TrainSet:
        """The data's own train set."""
        return self.bench.train_set

    def pooled(self, file: str | None) -> TrainSet:
        """The data's train set followed by the unlabelled queries of a file."""
        return label.pooled(self.bench, file)

    def labelled(self, train_set: TrainSet, labels: Labels, *, judged: bool) -> TrainSet:
        """The train set with `labels`; with `judged`, its own positives come first."""
        return train_set.labelled(labels, self.bench.corpus, judged=judged)

    def pretrained(self, encoder: Encoder) -> Checkpoint:
        """The pretrained encoder itself."""
        return train.pretrained(encoder)

    def fit(
        self,
        start: Encoder | Checkpoint,
        objective: Objective,
        sampler: Sampler,
        train_set: TrainSet | None = None,
        *,
        name: str,
        quantizer: StoredQuantizer | None = None,
    ) -> Checkpoint:
        """Train an encoder from `start`, by default on the data's own train set; the objective's own parameters start
        from the `quantizer`'s.
        """
        draws = train.draw(self.bench, name, sampler, train_set or self.train_set(), by_terms=objective.lexical)
        return train.fit(self.bench, start, objective, draws, quantizer)

    def fit_quantizer(self, quantizer: Quantizer, checkpoint: Checkpoint) -> StoredQuantizer:
        """Fit a quantizer on a checkpoint's frozen vectors."""
        return compress.fit(self.bench, quantizer, checkpoint)

    def learned(self, quantizer: Quantizer, checkpoint: Checkpoint) -> StoredQuantizer:
        """The quantizer that an objective learned together with the encoder of `checkpoint`."""
        return compress.learned(self.bench, quantizer, checkpoint)

    def search(
        self, checkpoint: Checkpoint, train_set: TrainSet, k: int, quantizer: StoredQuantizer | None = None
    ) -> Candidates:
        """The top `k` passages of each train query, without the spared ones: by a quantizer's codes, or exactly."""
        return mine.candidates(self.bench, checkpoint, train_set, k, quantizer)

    def frozen(self, sparse: Trained, dense: Checkpoint) -> FrozenPassages:
        """Every passage as its dense vector, and as what its code stands for."""
        return compress.frozen(self.bench, sparse, dense)

    def fit_teacher(self, teacher: Teacher, base: BaseRetriever, settings: TrainSettings) -> TrainedTeacher:
        """Train a cross-encoder on judged pairs against what the base retriever finds."""
        return label.fit_teacher(self.bench, teacher, base, settings)

    def pseudo_labels(
        self,
        teacher: TrainedTeacher,
        base: BaseRetriever,
        train_set: TrainSet,
        thresholds: Thresholds,
        limit: int | None = None,
    ) -> Labels:
        """Label what the base retriever finds for the queries of a train set, or for `limit` of them."""
        return label.pseudo_labels(self.bench, teacher, base, train_set, thresholds, limit)

    def rank(self, trained: Trained, quantizer: Quantizer, how: Search, split: str) -> Ranking:
        """The best passages of every query of a split, by the quantizer's codes, in one or two stages."""
        return search.rank(self.bench, trained, quantizer, how, split)

    def rank_bm25(self, k: int, split: str) -> Ranking:
        """The best passages of every query of a split, by BM25."""
        return search.rank_bm25(self.bench, k, split)

    def score(self, ranking: Ranking, split: str, tag: str, metrics: tuple[str, ...]) -> Artifact:
        """The metrics and the run file of a ranking."""
        return search.score(self.bench, ranking, split, tag, metrics)
