"""PAIR's loss: passages are kept apart from one another, too.

Ren et al., "PAIR: Leveraging Passage-Centric Similarity Relation for Improving Dense Passage Retrieval", Findings of
ACL 2021.
"""

from typing import TYPE_CHECKING, ClassVar

from ..settings import component, setting
from .base import Batch, State
from .contrastive import Contrastive

if TYPE_CHECKING:
    from torch import Tensor


def passage_nce(batch: Batch, temperature: float) -> "Tensor":
    """-log softmax of <positive, query> / temperature over all queries of the batch and all its hard negatives, [B].

    The passage-centric loss L_P of PAIR as its code has it (dual_encoder.py: `logits_qp`): it asks for
    s(p+, q) > s(p+, p-) and s(p+, q) > s(p+, q'). Positives of other queries are not in it. A query's softmax
    leaves out what would call its positive wrong: other queries with the same positive, hard negatives that are
    positives of the query, and the positive itself where it is a hard negative of another query.
    Raises ValueError for a batch without `everyone`.
    """
    import torch

    if batch.everyone is None:
        raise ValueError("a batch without its other queries: an objective that needs them has crosses_queries=True")
    centres = batch.passages[batch.positives]
    left_out = (batch.masked | ~batch.roles.drawn).scatter(1, batch.positives[:, None], True)
    by_query = (centres @ batch.everyone.queries.T).masked_fill(batch.everyone.shared, float("-inf"))
    by_passage = (centres @ batch.passages.T).masked_fill(left_out, float("-inf"))
    wanted = by_query.gather(1, batch.everyone.own[:, None])[:, 0]
    return torch.cat([by_query, by_passage], dim=1).div(temperature).logsumexp(dim=1) - wanted / temperature


@component
class PAIRLoss(Contrastive):
    """(1 - alpha) L_Q + alpha L_P: `info_nce` of the query and `passage_nce` of its positive.

    With alpha=0 it is `Contrastive`, with alpha=1 L_P alone; a loss without a share is not computed.
    """

    version: ClassVar[int] = 2  # 1: L_P ran over the batch's other passages, positives too, and over no other query

    alpha: float = setting(0.1, "weight of the passage-centric loss L_P in the first stage", ge=0, le=1)

    @property
    def crosses_queries(self) -> bool:
        return self.alpha > 0

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        """Losses "query" (L_Q) and "passage" (L_P)."""
        if self.alpha == 0:
            query = super().losses(batch, state)["loss"]
            return {"loss": query, "query": query}
        passage = passage_nce(batch, self.temperature)
        if self.alpha == 1:
            return {"loss": passage, "passage": passage}
        query = super().losses(batch, state)["loss"]
        return {"loss": (1 - self.alpha) * query + self.alpha * passage, "query": query, "passage": passage}
