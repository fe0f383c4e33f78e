"""The contrastive loss of dense retrieval (Karpukhin et al., EMNLP 2020, equation 2)."""

from typing import TYPE_CHECKING

from ..settings import component, setting
from .base import Batch, Objective, State

if TYPE_CHECKING:
    from torch import Tensor


TEMPERATURE = "inner products are divided by this in every softmax; about 0.05 for vectors of length 1"  # its help line


def info_nce(
    queries: "Tensor", passages: "Tensor", positives: "Tensor", masked: "Tensor", temperature: float
) -> "Tensor":
    """-log softmax of <query, positive> / temperature over the passages of the batch, [B].

    queries [B, D]; passages [P, D]; positives [B] int64, the row of each query's positive; masked [B, P] bool, the
    passages left out of the query's softmax. The positive itself must not be masked.
    """
    scores = (queries @ passages.T / temperature).masked_fill(masked, float("-inf"))
    return scores.logsumexp(dim=1) - scores.gather(1, positives[:, None])[:, 0]


@component
class Contrastive(Objective):
    """`info_nce` over the positives and hard negatives of all queries of the batch."""

    temperature: float = setting(1.0, TEMPERATURE, gt=0)

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        return {"loss": info_nce(batch.queries, batch.passages, batch.positives, batch.masked, self.temperature)}
