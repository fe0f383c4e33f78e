"""The query tower and the passage tower: token ids to vectors."""

import copy
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..errors import LabradorError
from .base import Encoder
from .model_files import quietly, read_model

Side = Literal["query", "passage"]
PROJECTION = "projection.safetensors"
PROJECTION_SEED = 0


def pool(states: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """The vectors of B texts, float32 [B, D], from their token vectors [B, L, D].

    "cls": the first token's; "mean": the mean over the tokens whose mask [B, L] is 1 (None: all).
    """
    if pooling == "cls":
        return states[:, 0].float()
    if mask is None:
        return states.float().mean(dim=1)
    weights = mask.unsqueeze(-1).to(torch.float32)
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1)


class Tower(nn.Module):
    """A transformer, its pooling, and optionally a projection and normalisation."""

    def __init__(self, model: Any, encoder: Encoder) -> None:
        super().__init__()
        self.model = model
        if getattr(model, "pooler", None) is not None:
            model.pooler.requires_grad_(False)  # its output is unused: no gradient would ever reach it
        self.pooling, self.normalize = encoder.pooling, encoder.normalize
        self.projection: nn.Linear | None = None
        if encoder.projection is not None:
            self.projection = nn.Linear(model.config.hidden_size, encoder.projection)
            # orthogonal: keeps inner products as well as the width allows, and both towers start alike
            nn.init.orthogonal_(self.projection.weight, generator=torch.Generator().manual_seed(PROJECTION_SEED))
            nn.init.zeros_(self.projection.bias)

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        return int(self.projection.out_features if self.projection else self.model.config.hidden_size)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None = None) -> Tensor:
        """Token ids [B, L] to vectors float32 [B, D]; no mask means all ones, no types all zeros."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.model(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
        vectors = pool(states, attention_mask, self.pooling)
        if self.projection is not None:
            vectors = self.projection(vectors).float()
        return normalize(vectors, dim=-1) if self.normalize else vectors

    def save(self, folder: Path, tokenizer: Any) -> None:
        """Write a folder that AutoModel and AutoTokenizer load, and the projection's weights."""
        folder.mkdir(parents=True, exist_ok=True)
        with quietly():
            self.model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        if self.projection is not None:
            weights = {name: value.detach().cpu().contiguous() for name, value in self.projection.state_dict().items()}
            save_file(weights, folder / PROJECTION)

    @classmethod
    def read(cls, folder: Path, encoder: Encoder, dropout: float | None = None) -> "Tower":
        """What `save` wrote."""
        tower = cls(read_model(folder, dropout), encoder)
        if tower.projection is not None:
            if not (folder / PROJECTION).is_file():
                raise LabradorError(f"{folder / PROJECTION}: missing; expected the projection's weights; train again")
            tower.projection.load_state_dict(load_file(folder / PROJECTION))
        return tower


class TwoTower(nn.Module):
    """A query tower and a passage tower; the same module twice if the encoder is shared."""

    def __init__(self, encoder: Encoder, query: Tower, passage: Tower) -> None:
        super().__init__()
        self.encoder = encoder
        self.query, self.passage = query, passage

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        return self.query.dimension

    @property
    def pad_id(self) -> int:
        """The token id that pads short texts of a batch."""
        return int(self.query.model.config.pad_token_id or 0)

    def segments(self, side: Side) -> bool:
        """Whether token ids of that side carry token types, which distinguish title and text."""
        return self.encoder.segments and side == "passage"

    def tower(self, side: Side) -> Tower:
        """The tower of queries or of passages."""
        return self.query if side == "query" else self.passage

    def encode(
        self, side: Side, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Token ids of queries or passages to vectors float32 [B, D].

        Ids, mask (None: all ones) and token types (None: all zeros) are [B, L].
        """
        result: Tensor = self.tower(side)(input_ids, attention_mask, token_type_ids)
        return result

    def save(self, folder: Path) -> None:
        """Write folder/encoder, or folder/query_encoder and folder/passage_encoder if the towers are separate."""
        tokenizer = self.encoder.tokenizer()
        if self.encoder.shared:
            self.query.save(folder / "encoder", tokenizer)
        else:
            self.query.save(folder / "query_encoder", tokenizer)
            self.passage.save(folder / "passage_encoder", tokenizer)


def load_towers(encoder: Encoder, folder: Path | None = None, dropout: float | None = None) -> TwoTower:
    """The towers that `TwoTower.save` wrote or, without a folder, as they come, separate ones as copies of one another.

    On the CPU in eval mode; `dropout` as for `Encoder.load_model`.
    """
    if folder is None:
        query = Tower(encoder.load_model(dropout), encoder)
        passage = query if encoder.shared else copy.deepcopy(query)
    elif encoder.shared:
        query = passage = Tower.read(folder / "encoder", encoder, dropout)
    else:
        query, passage = (Tower.read(folder / f"{side}_encoder", encoder, dropout) for side in ("query", "passage"))
    return TwoTower(encoder, query, passage).eval()
