"""The first vector of search.py without torch: the forward pass of BERT and RoBERTa in NumPy.

Importing torch and transformers takes longer than all else that an answer needs: benchmarks/ask.py finds the first
vector 10 x later with them. onnxruntime is as fast as this, but needs an export of every checkpoint. Training and the
encoding of corpora use transformers (towers.py), as do models that are not read here.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Encoder
from .checkpoint import Checkpoint
from .folder import FolderEncoder

Floats = NDArray[np.float32]
EncodeQuestions = Callable[[Sequence[str]], Floats]  # Q texts -> float32 [Q, D]
POSITIONS = {"bert": 0, "roberta": 1}  # 0: positions count from 0; 1: from the padding id + 1
ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def question_encoder(checkpoint: Checkpoint) -> EncodeQuestions:
    """The function that encodes questions, without torch if it can."""
    folder = _query_folder(checkpoint)
    light = None if folder is None else NumpyBert.of(folder, checkpoint.encoder)
    return light or with_transformers(checkpoint)


def with_transformers(checkpoint: Checkpoint) -> EncodeQuestions:
    """The query tower of the checkpoint, run by transformers on the CPU."""
    import torch

    from .tokens import Form, pad, tokenize

    towers, tokenizer, encoder = checkpoint.towers(), checkpoint.encoder.tokenizer(), checkpoint.encoder

    def encode(texts: Sequence[str]) -> Floats:
        ids = [
            np.asarray(row, np.uint32)
            for row in tokenize(tokenizer, texts, encoder.max_query_length, Form(encoder.prefix("query")))
        ]
        with torch.inference_mode():
            vectors: Floats = towers.encode("query", *pad(ids, towers.pad_id)).numpy()
        return vectors

    return encode


def _query_folder(checkpoint: Checkpoint) -> Path | None:
    """The folder of the query tower in transformers' layout; None if the encoder has none."""
    if checkpoint.folder is not None:
        return checkpoint.folder / ("encoder" if checkpoint.encoder.shared else "query_encoder")
    return checkpoint.encoder.folder() if isinstance(checkpoint.encoder, FolderEncoder) else None


class NumpyBert:
    """Encodes questions as `Tower` does, up to rounding (1e-5 for vectors of length 1)."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Floats], tokenizer: Any, encoder: Encoder) -> None:
        self._config, self._weights, self._tokenizer, self._encoder = config, weights, tokenizer, encoder
        tokenizer.no_padding()
        tokenizer.enable_truncation(encoder.max_query_length)

    @classmethod
    def of(cls, folder: Path, encoder: Encoder) -> "NumpyBert | None":
        """The model of a folder in transformers' layout; None if it is not read here.

        It reads BERT and RoBERTa with exact GELU, float32 weights in one file and a tokenizer.json; a projection only
        if it was trained.
        """
        from safetensors import SafetensorError, safe_open

        files = [folder / name for name in ("config.json", "model.safetensors", "tokenizer.json")]
        if not all(file.is_file() for file in files):
            return None
        config = json.loads(files[0].read_text())
        plain = config.get("position_embedding_type", "absolute") == "absolute" and config.get("hidden_act") == "gelu"
        if config.get("model_type") not in POSITIONS or not plain:
            return None
        weights: dict[str, Floats] = {}
        extra = folder / "projection.safetensors"
        if (encoder.projection is not None) != extra.is_file():
            return None
        try:
            for file, prefix in [(files[1], ""), *([(extra, "projection.")] if extra.is_file() else [])]:
                with safe_open(file, framework="numpy") as opened:
                    names = list(opened.keys())
                    if any(opened.get_slice(name).get_dtype() != "F32" for name in names if _is_weight(name)):
                        return None
                    weights |= {
                        prefix + name.removeprefix(f"{config['model_type']}."): opened.get_tensor(name)
                        for name in names
                        if _is_weight(name)
                    }
        except SafetensorError:  # transformers reports what is wrong with it
            return None
        from tokenizers import Tokenizer

        return cls(config, weights, Tokenizer.from_file(str(files[2])), encoder)

    def __call__(self, texts: Sequence[str]) -> Floats:
        """The vectors float32 [Q, D] of Q questions."""
        return np.stack([self._vector(self._encoder.prefix("query") + text) for text in texts])

    def _vector(self, text: str) -> Floats:
        states = self._states(np.asarray(self._tokenizer.encode(text).ids))
        vector: Floats = states[0] if self._encoder.pooling == "cls" else states.mean(axis=0)
        if self._encoder.projection is not None:
            vector = self._linear("projection", vector)
        if self._encoder.normalize:
            vector = vector / max(float(np.linalg.norm(vector)), 1e-12)
        return vector.astype(np.float32)

    def _states(self, ids: NDArray[np.int64]) -> Floats:
        """Token ids [L] to the last layer's states [L, W]."""
        first = POSITIONS[self._config["model_type"]] and self._config["pad_token_id"] + 1
        x: Floats = (
            self._weights["embeddings.word_embeddings.weight"][ids]
            + self._weights["embeddings.position_embeddings.weight"][first : first + len(ids)]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm("embeddings.LayerNorm", x)
        for number in range(self._config["num_hidden_layers"]):
            layer = f"encoder.layer.{number}"
            x = self._norm(f"{layer}.attention.output.LayerNorm", x + self._attention(f"{layer}.attention", x))
            inner = gelu(self._linear(f"{layer}.intermediate.dense", x))
            x = self._norm(f"{layer}.output.LayerNorm", x + self._linear(f"{layer}.output.dense", inner))
        return x

    def _attention(self, name: str, x: Floats) -> Floats:
        heads = self._config["num_attention_heads"]
        query, key, value = (
            self._linear(f"{name}.self.{part}", x).reshape(len(x), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[2]))
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        mixed = (weights / weights.sum(axis=2, keepdims=True)) @ value
        return self._linear(f"{name}.output.dense", mixed.transpose(1, 0, 2).reshape(len(x), -1))

    def _linear(self, name: str, x: Floats) -> Floats:
        product: Floats = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(self._config["layer_norm_eps"]))
        result: Floats = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result


def gelu(x: Floats) -> Floats:
    """x/2 (1 + erf(x / sqrt 2)), with erf to 1.5e-7 by Abramowitz and Stegun's formula 7.1.26."""
    z = np.abs(x) / np.float32(np.sqrt(2))
    t: Any = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for factor in reversed(ERF):
        series = (series + np.float32(factor)) * t
    result: Floats = x / 2 * (1 + np.sign(x) * (1 - series * np.exp(-z * z)))
    return result


def _is_weight(name: str) -> bool:
    """Whether the forward pass uses a tensor: not the pooler's, a head's, or a buffer of positions."""
    return not any(part in name for part in ("pooler.", "position_ids", "cls.", "lm_head.", "classifier."))
