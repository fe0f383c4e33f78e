"""The contrastive loss of dense retrieval (Karpukhin et al., EMNLP 2020, equation 2)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import LabradorError
from .base import Batch, Objective, State

if TYPE_CHECKING:
    from torch import Tensor


def info_nce(
    queries: "Tensor", passages: "Tensor", positives: "Tensor", masked: "Tensor", temperature: float
) -> "Tensor":
    """-log softmax of <query, positive> / temperature over the passages of the batch, [B].

    queries [B, D]; passages [P, D]; positives [B] int64, the row of each query's positive; masked [B, P] bool, the
    passages left out of the query's softmax. The positive itself must not be masked.
    """
    scores = (queries @ passages.T / temperature).masked_fill(masked, float("-inf"))
    return scores.logsumexp(dim=1) - scores.gather(1, positives[:, None])[:, 0]


@dataclass(frozen=True)
class Contrastive(Objective):
    """`info_nce` over the positives and hard negatives of all queries of the batch."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise LabradorError(
                f"temperature={self.temperature}: a number above 0 was expected; "
                "use about 0.05 with a normalised encoder and 1 with any other"
            )

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        return {"loss": info_nce(batch.queries, batch.passages, batch.positives, batch.masked, self.temperature)}
