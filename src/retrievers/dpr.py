"""Dense Passage Retrieval (Karpukhin et al., EMNLP 2020): two towers, in-batch and hard negatives.

python run.py retriever=dpr data=nq
python run.py retriever=dpr sampler=ann        # a second round on the first one's own hard negatives
python run.py retriever=dpr retriever.labels=pseudo    # judged pairs and a teacher's labels, as PAIR has them
"""

from dataclasses import dataclass

from ..data.corpus import Corpus
from ..lab import Lab, Trained
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from .base import need_train_pairs
from .labelled import Labelled


@dataclass(frozen=True, kw_only=True)
class DPR(Labelled):
    """Minimises -log softmax of <e(q), e(p)> / temperature over the passages of the batch."""

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "retriever=dpr", self.sampler)
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """Train with in-batch and hard negatives; with sampler=ann in two rounds."""
        train_set = self.taught(lab)
        objective = Contrastive(temperature=self.temperature)
        return Trained(search=self.fit_rounds(lab, train_set, objective, "dpr"))
