"""Binary Passage Retriever (Yamada, Asai and Hajishirzi, ACL 2021): the encoder learns with the signs of its vectors.

python run.py retriever=bpr data=nq                          # codes alone in memory, searched in two stages
python run.py retriever=bpr search=hash_lookup               # candidates from a hash table
python run.py -m retriever=bpr quantizer=hash,flat,opq       # one training, other compressions of its vectors
"""

from ..data.corpus import Corpus
from ..errors import SettingError, settings_of
from ..indexes.search import Search
from ..lab import Lab, Trained
from ..losses.bpr import BPRLoss
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..quantizers.binary import check_dimension
from ..quantizers.hash import Hash
from ..settings import component, nested
from .base import DenseRetriever, fit_rounds, need_judged
from .labelling import Labelling, train_set


@component
class BPR(DenseRetriever):
    """Minimises L_cand + L_rerank; keeps h(p) = sign(W e(p)), ranks candidates by <W e(q), h(p)>."""

    loss: BPRLoss = nested(BPRLoss)
    labelling: Labelling = nested(Labelling)

    def __post_init__(self) -> None:
        _ = self.objective

    @property
    def objective(self) -> BPRLoss:
        """The loss for this encoder."""
        return self.loss.resolved(self.encoder.normalize)

    @property
    def hash(self) -> Hash:
        """The quantizer that is learned with the encoder."""
        return Hash(loss=self.objective)

    def own(self, quantizer: Quantizer) -> Quantizer:
        return self.hash if isinstance(quantizer, Hash) else quantizer

    def check(self, quantizer: Quantizer, search: Search) -> None:
        bits = self.loss.bits or self.encoder.dimension
        if isinstance(quantizer, Hash) and quantizer.bits not in (None, bits):
            remedy = f"set retriever.bits={quantizer.bits} and leave quantizer.bits out"
            expected = f"{bits}, as retriever=bpr learns them itself"
            raise SettingError("bits", quantizer.bits, expected, remedy, "quantizer")
        with settings_of("retriever"):
            check_dimension(self.loss.bits, self.encoder.dimension)
        super().check(quantizer, search)
        self.labelling.check(self.encoder, self.sampler)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_judged(corpus, "retriever=bpr", self.sampler)
        self.labelling.check_corpus(corpus)
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """Train encoder and hash layer together; the hash goes with the encoder as `quantizer=hash`."""
        dpr = Contrastive(temperature=self.loss.temperature)  # whose search found the published negatives
        queries = train_set(lab, self.labelling, self.encoder, dpr, self.lexical)
        checkpoint = fit_rounds(lab, self, self.objective, queries, first=dpr)
        return Trained(search=checkpoint, quantizer=lab.learned(self.hash, checkpoint))
