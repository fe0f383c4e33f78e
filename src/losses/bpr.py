"""BPR's loss: vectors whose signs rank as their inner products do.

Yamada, Asai and Hajishirzi, "Efficient Passage Retrieval with Hashing for Open-domain Question Answering", ACL 2021;
the tanh is HashNet's (Cao et al., ICCV 2017). The sign of 0 is +1, here, in stored codes (quantizers/binary.py) and in
searches.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import SettingError
from ..settings import component, setting
from .base import Batch, Objective, Parameter, State
from .contrastive import TEMPERATURE, info_nce

if TYPE_CHECKING:
    from torch import Tensor

LAYER = "layer"  # the name of W in a saved state
NORMALISED = "if the encoder normalises"


def beta(step: int, gamma: float) -> float:
    """The sharpness sqrt(1 + gamma step) of the tanh after `step` optimizer steps: 1 at the start."""
    return float((1.0 + gamma * step) ** 0.5)


def scaled_tanh(x: "Tensor", sharpness: float) -> "Tensor":
    """tanh(sharpness x), the relaxed sign of every number of `x`."""
    return (sharpness * x).tanh()


def sign(x: "Tensor") -> "Tensor":
    """+1 where a number of `x` is 0 or above, else -1; no gradient."""
    return (x >= 0).to(x.dtype) * 2 - 1


def straight_through(x: "Tensor") -> "Tensor":
    """The sign of `x`, with the gradient of tanh(x) (Bengio et al., 2013; as BPR's code has it: `--use_ste`).

    Its tanh does not sharpen: beta is 1 at every step.
    """
    soft = x.tanh()
    return sign(x) + (soft - soft.detach())


def margin_ranking(scores: "Tensor", positives: "Tensor", masked: "Tensor", margin: float) -> "Tensor":
    """The mean over a query's negatives of max(0, -(positive's score - negative's score) + margin), [B].

    scores [B, P]; positives [B] int64, the column of each query's positive; masked [B, P] bool, columns that are not
    negatives of the query (its other positives). A query without negatives has the loss 0. BPR, equation 5.
    """
    columns = positives[:, None]
    left_out = masked.scatter(1, columns, True)
    hinges = (scores - (scores.gather(1, columns) - margin)).masked_fill_(left_out, 0.0).relu_()
    return hinges.sum(dim=1) / (~left_out).sum(dim=1).clamp(min=1)


@component
class BPRLoss(Objective):
    """L_cand + L_rerank on codes h(x) = sign(y) of y = W e(x), with W learned or, without a layer, left out.

    L_cand ranks codes by codes, L_rerank codes by the continuous query; the temperature divides the products of both,
    so that neither drowns the other. Products are the paper's, as they are, or cosines: vectors are then brought to
    length sqrt(D) and products divided by their greatest value, and `alpha` and `temperature` are those of cosines.
    """

    keeps_best: ClassVar[bool] = True
    version: ClassVar[int] = 2  # 1: straight-through had the slope 1

    bits: int | None = setting(None, "bits per passage; null: one per dimension", ge=8, multiple_of=8)
    hash_layer: Literal["auto", "linear", "none"] = setting(
        "auto", f"learned layer before the signs; auto: linear {NORMALISED}"
    )
    products: Literal["auto", "cosine", "plain"] = setting(
        "auto",
        f"inner products as they are (plain), or divided by their largest value (cosine); auto: cosine {NORMALISED}",
    )
    temperature: float = setting(1.0, TEMPERATURE, gt=0)
    alpha: float = setting(0.1, "margin of the candidate loss", ge=0)
    gamma: float = setting(
        0.1, "how fast the tanh sharpens towards signs: beta = sqrt(1 + gamma step); 0: not at all", ge=0
    )
    candidate_loss: Literal["margin", "cross_entropy", "none"] = setting("margin", "loss that ranks codes by codes")
    rerank_loss: Literal["cross_entropy", "none"] = setting(
        "cross_entropy", "loss that ranks codes by the continuous query"
    )
    dense_loss: Literal["auto", "cross_entropy", "none"] = setting(
        "auto", f"loss of continuous vectors; auto: cross_entropy {NORMALISED}"
    )
    relaxation: Literal["tanh", "straight_through"] = setting("tanh", "how the sign is relaxed in training")
    layer_learning_rate: float = setting(3e-4, "peak learning rate of the hash layer", gt=0)

    def __post_init__(self) -> None:
        if self.candidate_loss == self.rerank_loss == "none":
            raise SettingError("candidate_loss", "none", "another loss than none with rerank_loss=none", "keep one")
        if self.bits is not None and self.hash_layer == "none":
            expected = "null without a hash layer: a code then has a bit for each dimension"
            raise SettingError("bits", self.bits, expected, "set hash_layer=linear, or leave bits out")

    def resolved(self, normalized: bool) -> "BPRLoss":
        """These settings with every `auto` decided for an encoder that normalises its vectors, or does not.

        The paper's encoder does not. The numbers in vectors of length 1 are too small for a tanh to turn them into
        signs, and an encoder that already ranks well unlearns some of that when only its codes are trained.
        """
        unit = {"hash_layer": "linear", "products": "cosine", "dense_loss": "cross_entropy"}
        papers = {"hash_layer": "none", "products": "plain", "dense_loss": "none"}
        usual: dict[str, Any] = unit if normalized else papers
        return replace(self, **{key: value for key, value in usual.items() if getattr(self, key) == "auto"})

    def parameters(self, dimension: int) -> dict[str, Parameter]:
        """W [bits, D]. It starts as the identity or, with more or fewer bits than dimensions, with random orthonormal
        rows (or columns), which is LSH.
        """
        if self.hash_layer != "linear":
            return {}
        from torch import nn

        weight = nn.Linear(dimension, self.bits or dimension, bias=False).weight
        start = nn.init.eye_ if len(weight) == dimension else nn.init.orthogonal_
        return {LAYER: Parameter(start(weight).detach(), self.layer_learning_rate)}

    def losses(self, batch: Batch, state: State) -> dict[str, "Tensor"]:
        """The losses "candidates", "rerank" and "dense", without those that the settings leave out."""
        dimension = batch.queries.shape[1]
        queries, passages = self._hashed(batch.queries, state), self._hashed(batch.passages, state)
        bits = queries.shape[1]
        by_code, by_query = (1 / bits, (dimension * bits) ** -0.5) if self.products == "cosine" else (1.0, 1.0)
        codes = self._relaxed(passages, batch.step)
        losses = {}
        if self.candidate_loss != "none":
            query_codes = self._relaxed(queries, batch.step) * by_code
            if self.candidate_loss == "margin":
                hinges = margin_ranking(query_codes @ codes.T, batch.positives, batch.masked, self.alpha)
                losses["candidates"] = hinges / self.temperature
            else:
                losses["candidates"] = self._cross_entropy(query_codes, codes, batch)
        if self.rerank_loss != "none":
            losses["rerank"] = self._cross_entropy(queries * by_query, codes, batch)
        if self.dense_loss == "cross_entropy":
            losses["dense"] = self._cross_entropy(batch.queries, batch.passages, batch)
        return {"loss": sum(losses.values(), start=batch.queries.new_zeros(())), **losses}

    def ranked(self, queries: "Tensor", passages: "Tensor", state: State) -> tuple["Tensor", "Tensor"]:
        """As the rerank does: continuous queries by the codes of passages, <y(q), h(p)>."""
        return self._hashed(queries, state), sign(self._hashed(passages, state))

    def _hashed(self, vectors: "Tensor", state: State) -> "Tensor":
        """y [N, bits] of encoder vectors [N, D]."""
        scaled = vectors * vectors.shape[1] ** 0.5 if self.products == "cosine" else vectors
        return scaled @ state[LAYER].T if LAYER in state else scaled

    def _relaxed(self, y: "Tensor", step: int) -> "Tensor":
        if self.relaxation == "straight_through":
            return straight_through(y)
        return scaled_tanh(y, beta(step, self.gamma))

    def _cross_entropy(self, queries: "Tensor", passages: "Tensor", batch: Batch) -> "Tensor":
        return info_nce(queries, passages, batch.positives, batch.masked, self.temperature)
