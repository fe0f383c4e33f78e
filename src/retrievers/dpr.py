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
from .base import DenseRetriever, fit_rounds, need_train_pairs


@dataclass(frozen=True, kw_only=True)
class DPR(DenseRetriever):
    """Minimises -log softmax of <e(q), e(p)> / temperature over the passages of the batch."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise LabradorError(f"retriever.temperature={self.temperature}: a number above 0 was expected")

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "retriever=dpr")
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """Train with in-batch and hard negatives; with sampler=ann in two rounds."""
        objective = Contrastive(temperature=self.temperature)
        return Trained(search=fit_rounds(lab, self.encoder, objective, self.sampler, "dpr"))
