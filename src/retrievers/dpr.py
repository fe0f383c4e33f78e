"""Dense Passage Retrieval (Karpukhin et al., EMNLP 2020): two towers, in-batch and hard negatives.

python run.py retriever=dpr data=nq
python run.py retriever=dpr sampler=ann        # a second round on the first one's own hard negatives
"""

from dataclasses import dataclass

from ..data.corpus import Corpus
from ..errors import LabradorError
from ..lab import Lab, Trained
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..samplers.bm25 import BM25Hard
from .base import DenseRetriever, need_train_pairs


@dataclass(frozen=True, kw_only=True)
class DPR(DenseRetriever):
    """Minimises -log softmax of <e(q), e(p)> / temperature over the passages of the batch."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise LabradorError(f"retriever.temperature={self.temperature}: a number above 0 was expected")

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "dpr")
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """One round of training; with negatives mined by a checkpoint, a first round with BM25 negatives before it."""
        objective = Contrastive(temperature=self.temperature)
        if self.sampler.mined_by != "checkpoint":
            return Trained(search=lab.fit(self.encoder, objective, self.sampler, name="dpr"))
        first = lab.fit(self.encoder, objective, BM25Hard(), name="dpr, first round")
        candidates = lab.search(first, "train", k=self.sampler.depth)
        return Trained(search=lab.fit(first, objective, self.sampler, candidates, name="dpr"))
