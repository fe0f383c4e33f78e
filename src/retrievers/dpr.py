"""Dense Passage Retrieval (Karpukhin et al., EMNLP 2020): two towers, in-batch and hard negatives.

python run.py retriever=dpr data=nq
python run.py retriever=dpr sampler=ann        # a second round on the first one's own hard negatives
python run.py retriever=dpr retriever.labels=pseudo    # judged pairs and a teacher's labels, as PAIR has them
"""

from ..data.corpus import Corpus
from ..indexes.search import Search
from ..lab import Lab, Trained
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..settings import component, nested
from .base import DenseRetriever, fit_rounds, need_judged
from .labelling import Labelling, train_set


@component
class DPR(DenseRetriever):
    """Minimises -log softmax of <e(q), e(p)> / temperature over the passages of the batch."""

    loss: Contrastive = nested(Contrastive)
    labelling: Labelling = nested(Labelling)

    def check(self, quantizer: Quantizer, search: Search) -> None:
        super().check(quantizer, search)
        self.labelling.check(self.encoder, self.sampler)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_judged(corpus, "retriever=dpr", self.sampler)
        self.labelling.check_corpus(corpus)
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """Train with in-batch and hard negatives; with sampler=ann in two rounds."""
        queries = train_set(lab, self.labelling, self.encoder, self.loss, self.lexical)
        return Trained(search=fit_rounds(lab, self, self.loss, queries))
