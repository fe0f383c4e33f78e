"""Binary Passage Retriever (Yamada, Asai and Hajishirzi, ACL 2021): the encoder learns with the signs of its vectors.

python run.py retriever=bpr data=nq                          # codes alone in memory, searched in two stages
python run.py retriever=bpr search=hash_lookup               # candidates from a hash table
python run.py -m retriever=bpr quantizer=hash,flat,opq       # one training, other compressions of its vectors
"""

from dataclasses import dataclass, fields
from typing import Literal

from ..data.corpus import Corpus
from ..errors import LabradorError, settings_of
from ..indexes.search import Search
from ..lab import Lab, Trained
from ..losses.bpr import BPRLoss, CandidateLoss, Relaxation, RerankLoss
from ..losses.contrastive import Contrastive
from ..quantizers.base import Quantizer
from ..quantizers.binary import check_bits, check_dimension
from ..quantizers.hashing import Hash
from .base import need_train_pairs
from .labelled import Labelled


@dataclass(frozen=True, kw_only=True)
class BPR(Labelled):
    """Minimises L_cand + L_rerank; keeps h(p) = sign(W e(p)), ranks candidates by <W e(q), h(p)>."""

    hash_layer: Literal["auto", "linear", "none"] = "auto"
    bits: int | None = None
    alpha: float = 0.1
    gamma: float = 0.1
    candidate_loss: CandidateLoss = "margin"
    rerank_loss: RerankLoss = "cross_entropy"
    dense_loss: Literal["auto", "cross_entropy", "none"] = "auto"
    relaxation: Relaxation = "tanh"
    layer_learning_rate: float = 3e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bits(self.bits, "retriever.bits")
        if self.bits is not None and not self.layer:
            raise LabradorError(
                f"retriever.bits={self.bits} without a hash layer: a code has a bit for each dimension then; set "
                "retriever.hash_layer=linear, or leave retriever.bits out"
            )
        with settings_of("retriever"):
            _ = self.objective

    @property
    def layer(self) -> bool:
        """Whether a linear layer comes before the signs: auto has one where the encoder normalises its vectors."""
        return self.encoder.normalize if self.hash_layer == "auto" else self.hash_layer == "linear"

    @property
    def objective(self) -> BPRLoss:
        """The losses; dense_loss=auto adds the dense one where the encoder normalises its vectors."""
        shared = {field.name for field in fields(BPRLoss)} & {field.name for field in fields(self)}
        settings = {name: getattr(self, name) for name in shared}
        if self.dense_loss == "auto":
            settings["dense_loss"] = "cross_entropy" if self.encoder.normalize else "none"
        return BPRLoss(layer=self.layer, normalized=self.encoder.normalize, **settings)

    def own(self, quantizer: Quantizer) -> Quantizer:
        """The hash is the one learned with the encoder."""
        return Hash(bits=self.bits) if isinstance(quantizer, Hash) else quantizer

    def check(self, quantizer: Quantizer, search: Search) -> None:
        check_dimension(self.bits, self.encoder.dimension, "retriever.bits")
        bits = self.bits or self.encoder.dimension
        if isinstance(quantizer, Hash) and quantizer.bits not in (None, bits):
            raise LabradorError(
                f"quantizer.bits={quantizer.bits}: retriever=bpr uses the hash of {bits} bits that it learns itself; "
                f"set retriever.bits={quantizer.bits} and leave quantizer.bits out"
            )
        super().check(quantizer, search)

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        need_train_pairs(corpus, "retriever=bpr", self.sampler)
        super().check_corpus(corpus, quantizer)

    def train(self, lab: Lab) -> Trained:
        """Train encoder and hash layer together; the hash goes with the encoder as `quantizer=hash`."""
        train_set = self.taught(lab)
        dpr = Contrastive(temperature=self.temperature)  # whose search found the published negatives
        checkpoint = self.fit_rounds(lab, train_set, self.objective, "bpr", dpr)
        return Trained(search=checkpoint, quantizer=lab.learned(Hash(bits=self.bits), checkpoint))
