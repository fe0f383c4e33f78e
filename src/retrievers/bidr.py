"""BiDR (Xiao et al., WWW 2022): PQ codes learned by contrast, then a dense verifier of what they find.

python run.py retriever=bidr data=msmarco                    # codes in memory, dense vectors on disk
python run.py -m retriever=bidr sampler=random_walk,snowball,ann,random
python run.py retriever=bidr search=scan                     # the sparse stage alone
"""

from dataclasses import replace
from typing import Literal

from ..data.corpus import Corpus
from ..encoders.checkpoint import Checkpoint
from ..errors import SettingError, settings_of
from ..indexes.search import Search
from ..lab import Lab, Ranking, Trained
from ..losses.bidr import BiDRLoss, UnifiedQueryLoss
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..quantizers.learned_pq import LearnedPQ
from ..quantizers.pq import PQ
from ..settings import component, nested, setting
from ..training.train_set import TrainSet
from .base import DenseRetriever, need_judged, need_others
from .labelling import Labelling, train_set


@component
class BiDR(DenseRetriever):
    """Finds candidates by <R e(q), C(p)>, ranks them by the verifier's <g(q), g(p)>.

    The sampler is that of the verifier's training: it draws among what the sparse stage finds.
    """

    init: Literal["opq", "pq", "random"] = setting("opq", "what rotation and codewords start from")
    loss: BiDRLoss = nested(BiDRLoss)
    unified_query: bool = setting(False, "one query encoder for both stages, trained after them")
    labelling: Labelling = nested(Labelling)

    def __post_init__(self) -> None:
        _ = self.quantizer

    @property
    def quantizer(self) -> LearnedPQ:
        """The kind of quantizer that the sparse stage learns."""
        return LearnedPQ(loss=self.loss)

    @property
    def objective(self) -> BiDRLoss:
        """The sparse stage's loss for this encoder."""
        return self.loss.resolved(self.encoder.dimension, self.encoder.normalize, opq=self.init == "opq")

    @property
    def start(self) -> PQ | None:
        """What rotation and codewords start from; None: from nothing."""
        opq = self.quantizer.start(self.encoder.dimension)
        pq = PQ(codebooks=opq.codebooks, centroids=opq.centroids)
        return {"opq": opq, "pq": pq, "random": None}[self.init]

    @property
    def contrastive(self) -> Contrastive:
        """The loss of the global and the local dense encoder."""
        return Contrastive(temperature=self.loss.temperature)

    def own(self, quantizer: Quantizer) -> Quantizer:
        """The learned PQ is the sparse stage's."""
        return self.quantizer if isinstance(quantizer, LearnedPQ) else quantizer

    def check(self, quantizer: Quantizer, search: Search) -> None:
        if isinstance(quantizer, LearnedPQ):
            for key in ("codebooks", "centroids"):
                given, learned = getattr(quantizer.loss, key), getattr(self.objective, key)
                if given not in (getattr(BiDRLoss, key), learned):
                    expected = f"{learned}, as retriever=bidr learns them itself"
                    remedy = f"set retriever.{key}={given} and leave quantizer.{key} out"
                    raise SettingError(key, given, expected, remedy, "quantizer")
        with settings_of("retriever"):
            self.quantizer.check(self.encoder.dimension)
        super().check(quantizer, search)
        self.labelling.check(self.encoder, self.sampler)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_judged(corpus, "retriever=bidr", self.sampler)
        need_others(corpus, "retriever=bidr")
        if self.start is not None:
            with settings_of("retriever"):
                self.start.check(self.encoder.dimension, len(corpus.passages))
        self.labelling.check_corpus(corpus)
        if not isinstance(quantizer, LearnedPQ):
            super().check_corpus(corpus, quantizer)

    def verified(self, search: Search) -> bool:
        """Whether the dense stage has a part in what `search` finds."""
        return self.unified_query or search.resolved(verified=True).needs_vectors

    def unused(self, search: Search) -> tuple[str, ...]:
        """The sampler is the dense stage's."""
        return () if self.verified(search) else ("sampler",)

    def rank(self, lab: Lab, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        """A search that reads no dense vectors needs no verifier, so none is trained for it."""
        trained = self.train(lab) if self.verified(search) else self.sparse(lab, self.queries(lab))
        return lab.rank(trained, quantizer, search, split)

    def train(self, lab: Lab) -> Trained:
        """The sparse stage, then the dense one on the neighbourhoods that it finds."""
        queries = self.queries(lab)
        sparse = self.sparse(lab, queries)
        if self.sampler.mined_by == "checkpoint":
            found = lab.search(sparse.search, queries, k=self.sampler.depth, quantizer=sparse.quantizer)
            queries = queries.mined(found)
        dense = lab.fit(self.encoder, self.contrastive, self.sampler, queries, name="bidr, local")
        query = self.unified(lab, queries, sparse, dense) if self.unified_query else None
        return replace(sparse, rerank=dense, query=query)

    def queries(self, lab: Lab) -> TrainSet:
        """What all stages learn from."""
        return train_set(lab, self.labelling, self.encoder, self.contrastive, self.lexical)

    def sparse(self, lab: Lab, queries: TrainSet) -> Trained:
        """A global dense encoder, a quantizer of its vectors, then both trained together."""
        coarse = lab.fit(self.encoder, self.contrastive, self.lexical, queries, name="bidr, global")
        start = None if self.start is None else lab.fit_quantizer(self.start, coarse)
        checkpoint = lab.fit(coarse, self.objective, self.lexical, queries, name="bidr, sparse", quantizer=start)
        return Trained(search=checkpoint, quantizer=lab.learned(self.quantizer, checkpoint))

    def unified(self, lab: Lab, queries: TrainSet, sparse: Trained, dense: Checkpoint) -> Checkpoint:
        """One query encoder for both stages, whose passages stay as they are; each stage has its own negatives."""
        loss = UnifiedQueryLoss(temperature=self.loss.temperature)
        frozen = queries.against(lab.frozen(sparse, dense))
        return lab.fit(dense, loss, self.sampler, frozen, name="bidr, unified query")
