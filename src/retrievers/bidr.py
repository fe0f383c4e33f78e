"""BiDR (Xiao et al., WWW 2022): PQ codes learned by contrast, then a dense verifier of what they find.

python run.py retriever=bidr data=msmarco                    # codes in memory, dense vectors on disk
python run.py -m retriever=bidr sampler=random_walk,snowball,ann,random
python run.py retriever=bidr search=scan                     # the sparse stage alone
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from ..data.corpus import Corpus
from ..encoders.checkpoint import Checkpoint
from ..errors import LabradorError, SettingError, settings_of
from ..indexes.search import Search
from ..lab import Lab, Ranking, Trained
from ..losses.bidr import BiDRLoss, UnifiedQueryLoss
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..quantizers.learned_pq import SHARPNESS, LearnedPQ, books
from ..quantizers.opq import OPQ
from ..quantizers.pq import PQ
from ..training.train_set import TrainSet
from .base import need_others, need_train_pairs
from .labelled import Labelled

RECONSTRUCTION = 1e-6  # weight of the quantization error where the words do not start from OPQ's
Init = Literal["opq", "pq", "random"]


@contextmanager
def as_retrievers_settings() -> Iterator[None]:
    """Name the settings at fault as this retriever's, which its quantizers share."""
    try:
        yield
    except SettingError as error:
        raise error.of("retriever") from error


@dataclass(frozen=True, kw_only=True)
class BiDR(Labelled):
    """Finds candidates by <R e(q), C(p)>, ranks them by the verifier's <g(q), g(p)>.

    The sampler is that of the verifier's training: it draws among what the sparse stage finds.
    """

    codebooks: int | None = None
    centroids: int = 256
    init: Init = "opq"
    train_rotation: bool = False
    reconstruction: float | None = None
    layer_learning_rate: float = 1e-3
    unified_query: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        with as_retrievers_settings():
            _ = self.quantizer
        with settings_of("retriever"):
            _ = self.objective(8)

    @property
    def quantizer(self) -> LearnedPQ:
        """The kind of quantizer that the sparse stage learns."""
        return LearnedPQ(codebooks=self.codebooks, centroids=self.centroids)

    @property
    def start(self) -> PQ | None:
        """What rotation and words start from; None: from nothing."""
        kinds: dict[Init, type[PQ] | None] = {"opq": OPQ, "pq": PQ, "random": None}
        kind = kinds[self.init]
        settings = {"codebooks": books(self.codebooks, self.encoder.dimension), "centroids": self.centroids}
        return None if kind is None else kind(**settings)

    @property
    def contrastive(self) -> Contrastive:
        """The global and the local dense encoder's objective."""
        return Contrastive(temperature=self.temperature)

    def objective(self, dimension: int) -> BiDRLoss:
        """The sparse stage's, of vectors [N, dimension]."""
        error = 0.0 if self.init == "opq" else RECONSTRUCTION
        return BiDRLoss(
            codebooks=books(self.codebooks, dimension),
            centroids=self.centroids,
            temperature=self.temperature,
            sharpness=SHARPNESS * books(self.codebooks, dimension) if self.encoder.normalize else 1.0,
            reconstruction=error if self.reconstruction is None else self.reconstruction,
            train_rotation=self.train_rotation,
            layer_learning_rate=self.layer_learning_rate,
        )

    def own(self, quantizer: Quantizer) -> Quantizer:
        """The learned PQ is the sparse stage's."""
        return self.quantizer if isinstance(quantizer, LearnedPQ) else quantizer

    def check(self, quantizer: Quantizer, search: Search) -> None:
        dimension = self.encoder.dimension
        learned = isinstance(quantizer, LearnedPQ) and quantizer.codebooks
        if learned and learned != books(self.codebooks, dimension):
            raise LabradorError(
                f"quantizer.codebooks={learned}: retriever=bidr uses the {books(self.codebooks, dimension)}"
                f" codebooks that it learns itself; set retriever.codebooks={learned} and leave "
                "quantizer.codebooks out"
            )
        if isinstance(quantizer, LearnedPQ) and quantizer.centroids not in (LearnedPQ.centroids, self.centroids):
            raise LabradorError(
                f"quantizer.centroids={quantizer.centroids}: retriever=bidr learns {self.centroids} words itself; set "
                f"retriever.centroids={quantizer.centroids} and leave quantizer.centroids out"
            )
        with as_retrievers_settings():
            self.quantizer.check(dimension)
        super().check(quantizer, search)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "retriever=bidr")
        need_others(corpus, "retriever=bidr")
        self.sampler.check(len(corpus.passages), corpus.spared("train"))
        if self.start is not None:
            with as_retrievers_settings():
                self.start.check(self.encoder.dimension, len(corpus.passages))
        if not isinstance(quantizer, LearnedPQ):
            super().check_corpus(corpus, quantizer)

    def verified(self, search: Search) -> bool:
        """Whether the dense stage has a part in what `search` finds."""
        return self.unified_query or search.resolved(verified=True).needs_vectors

    def unused(self, search: Search) -> tuple[str, ...]:
        """The sampler is the dense stage's."""
        return () if self.verified(search) else ("sampler",)

    def rank(self, lab: Lab, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        """A search that reads no dense vectors needs no verifier, so that none is trained for it."""
        trained = self.train(lab) if self.verified(search) else self.sparse(lab, self.taught(lab))
        return lab.rank(trained, quantizer, search, split)

    def train(self, lab: Lab) -> Trained:
        """The sparse stage, then the dense one on the neighbourhoods that it finds."""
        train_set = self.taught(lab)
        sparse = self.sparse(lab, train_set)
        if self.sampler.mined_by == "checkpoint":
            found = lab.search(sparse.search, train_set, k=self.sampler.depth, quantizer=sparse.quantizer)
            train_set = train_set.mined(found)
        dense = lab.fit(self.encoder, self.contrastive, self.sampler, train_set, name="bidr, local")
        query = self.unified(lab, train_set, sparse, dense) if self.unified_query else None
        return replace(sparse, rerank=dense, query=query)

    def sparse(self, lab: Lab, train_set: TrainSet) -> Trained:
        """A global dense encoder, a quantizer of its vectors, then both trained together."""
        coarse = lab.fit(self.encoder, self.contrastive, self.by_words, train_set, name="bidr, global")
        start = None if self.start is None else lab.fit_quantizer(self.start, coarse)
        objective = self.objective(self.encoder.dimension)
        checkpoint = lab.fit(coarse, objective, self.by_words, train_set, name="bidr, sparse", quantizer=start)
        return Trained(search=checkpoint, quantizer=lab.learned(self.quantizer, checkpoint))

    def unified(self, lab: Lab, train_set: TrainSet, sparse: Trained, dense: Checkpoint) -> Checkpoint:
        """One query encoder for both stages, whose passages stay as they are; each stage has negatives of its own."""
        objective = UnifiedQueryLoss(temperature=self.temperature)
        frozen = train_set.against(lab.frozen(sparse, dense))
        return lab.fit(dense, objective, self.sampler, frozen, name="bidr, unified query")
