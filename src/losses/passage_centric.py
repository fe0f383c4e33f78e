"""PAIR's objective: passages are kept apart from one another, too (Ren et al., Findings of ACL 2021).

"PAIR: Leveraging Passage-Centric Similarity Relation for Improving Dense Passage Retrieval". Imports no torch.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import LabradorError
from .base import Batch
from .contrastive import Contrastive, info_nce

if TYPE_CHECKING:
    from torch import Tensor


def passage_nce(
    queries: "Tensor", passages: "Tensor", positives: "Tensor", masked: "Tensor", temperature: float
) -> "Tensor":
    """-log softmax of <positive, query> / temperature over the query and the other passages of the batch, [B].

    The passage-centric loss L_P of PAIR: it asks for s(p+, q) > s(p+, p-), where s is the inner product / temperature.
    queries [B, D]; passages [P, D]; positives [B] int64, the row of each query's positive; masked [B, P] bool, the
    passages left out of the query's softmax (its other positives). The positive itself must not be masked.
    """
    centres = passages[positives]
    wanted = (centres * queries).sum(dim=1, keepdim=True) / temperature
    scores = centres @ passages.T / temperature
    scores = scores.scatter(1, positives[:, None], wanted)  # the query stands where the positive would meet itself
    return scores.masked_fill(masked, float("-inf")).logsumexp(dim=1) - wanted[:, 0]


@dataclass(frozen=True)
class PassageCentric(Contrastive):
    """(1 - alpha) L_Q + alpha L_P: `info_nce` of the query and `passage_nce` of its positive.

    With alpha=0 it is `Contrastive`, with alpha=1 L_P alone; a loss without a share is not computed.
    """

    alpha: float = 0.1  # the share of L_P

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha <= 1:
            raise LabradorError(f"alpha={self.alpha}: a share from 0 to 1 was expected; use 0.1, as PAIR does")

    def losses(self, batch: Batch) -> dict[str, "Tensor"]:
        """The losses [B] of a batch: "query" (L_Q), "passage" (L_P) and their weighted sum."""
        inputs = batch.queries, batch.passages, batch.positives, batch.masked, self.temperature
        if self.alpha == 0:
            query = info_nce(*inputs)
            return {"loss": query, "query": query}
        passage = passage_nce(*inputs)
        if self.alpha == 1:
            return {"loss": passage, "passage": passage}
        query = info_nce(*inputs)
        return {"loss": (1 - self.alpha) * query + self.alpha * passage, "query": query, "passage": passage}
