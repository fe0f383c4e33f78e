"""Steps on vectors: training an encoder, encoding passages and queries with it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data.ragged import Ragged
from ..encoders.base import Encoder
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Tokens
from ..errors import LabradorError
from ..losses.base import Objective
from ..metrics.cost import search_batches
from ..samplers.base import Example, Pool, Sampler
from ..store import artifact_key, describe
from .steps import Stored, open_array
from .texts import Candidates, TextSteps, read_lists, without, write_lists

if TYPE_CHECKING:
    from ..encoders.towers import Side

ELSEWHERE = (
    "max_query_length",
    "max_passage_length",
    "query_prefix",
    "passage_prefix",
    "temperature",
    "dtype",
    "precision",
)
QUERIES_TOGETHER = 4096  # searched in one batch: flat reads the whole file of vectors once for each


class VectorSteps(TextSteps):
    """Checkpoints and what they make of texts."""

    def pretrained(self, encoder: Encoder) -> Checkpoint:
        """The encoder as it comes.

        Its key leaves out the fields that enter other keys: lengths and prefixes are in those of the tokens,
        temperature in that of the objective, dtype and precision in that of the vectors.
        """
        inputs = {"weights": encoder.fingerprint()}
        return Checkpoint(encoder, None, artifact_key("pretrained", 1, describe(encoder, ELSEWHERE), inputs))

    def fit(
        self,
        start: Encoder | Checkpoint,
        objective: Objective,
        sampler: Sampler,
        candidates: Candidates | None = None,
        *,
        name: str,
    ) -> Checkpoint:
        """Train from `start` on the train split; `candidates` are what the sampler draws hard negatives from.

        Without them, a sampler mined by BM25 gets BM25's. Killed, it continues from its last checkpoint.
        """
        checkpoint = self.pretrained(start) if isinstance(start, Encoder) else start
        candidates = candidates or self._mined_for(sampler)
        queries, queries_key = self.tokens(checkpoint.encoder, "train")
        passages, passages_key = self.tokens(checkpoint.encoder)
        positives = self.corpus.positives("train")

        def write(folder: Path) -> None:
            from ..training.loop import train

            lists = None if candidates is None else candidates.lists
            pool = Pool(positives, lists, len(passages), self.settings.batch_size, self.seed)

            def batches(epoch: int) -> list[list[Example]]:
                return list(sampler.batches(pool, epoch))

            train(
                checkpoint,
                objective,
                batches,
                queries,
                passages,
                positives,
                self.settings,
                self.seed,
                folder,
                self.device,
            )

        artifact = self.make(
            "train",
            "fit",
            {
                "objective": describe(objective),
                "sampler": describe(sampler),
                "settings": describe(self.settings.resolved(self.device)),
                "seed": self.seed,
            },
            {"start": checkpoint.key, "queries": queries_key, "passages": passages_key}
            | {"qrels": self.corpus.fingerprint("qrels-train")}
            | ({} if candidates is None else {"candidates": candidates.key}),
            write,
            resumable=True,
            collective=True,
            about=name,
        )
        return Checkpoint(checkpoint.encoder, artifact.folder / "towers", artifact.key)

    def _mined_for(self, sampler: Sampler) -> Candidates | None:
        """What a sampler draws from when it is given nothing."""
        if sampler.mined_by == "checkpoint":
            name = type(sampler).__name__
            raise LabradorError(f"sampler={name}: it draws from a checkpoint's own search, none was given")
        return self.bm25_negatives(sampler.depth) if sampler.mined_by == "bm25" else None

    def passages(self, checkpoint: Checkpoint) -> Stored:
        """The vectors of all passages, [N, D] in corpus order; resumed by shard when killed."""
        tokens, key = self.tokens(checkpoint.encoder)
        return self._encode(checkpoint, "passage", tokens, key, f"{len(tokens):,} passages")

    def queries(self, checkpoint: Checkpoint, split: str) -> Stored:
        """The vectors of the queries of `split`, [Q, D] float32."""
        tokens, key = self.tokens(checkpoint.encoder, split)
        return self._encode(checkpoint, "query", tokens, key, f"{len(tokens):,} {split} queries")

    def _encode(self, checkpoint: Checkpoint, side: "Side", tokens: Tokens, tokens_key: str, about: str) -> Stored:
        from ..devices import precision
        from ..encoding import EncodeSettings, encode

        dtype = checkpoint.encoder.dtype if side == "passage" else "float32"
        chosen = checkpoint.encoder.precision
        used = precision(self.device) if chosen == "auto" else chosen
        settings = EncodeSettings(dtype=dtype, precision=used, device=self.device)

        def write(folder: Path) -> None:
            encode(checkpoint.towers(), side, tokens, folder / "vectors.npy", settings)

        artifact = self.make(
            "encode",
            "vectors",
            {"side": side, "dtype": settings.dtype, "precision": settings.precision},
            {"checkpoint": checkpoint.key, "tokens": tokens_key},
            write,
            resumable=True,
            collective=True,
            about=about,
        )
        return Stored(open_array(artifact.folder / "vectors.npy"), artifact.key)

    def search(self, checkpoint: Checkpoint, split: str, k: int) -> Candidates:
        """The top `k` passages of each query of `split` by exact search over the checkpoint's vectors."""
        passages, queries = self.passages(checkpoint), self.queries(checkpoint, split)
        positives: Ragged = self.corpus.positives(split)

        def write(folder: Path) -> None:
            from ..indexes.flat import FlatIndex

            index = FlatIndex(passages.array.shape[1], passages.array.dtype)
            index.add(passages.array.view(np.uint8))
            ranking, _ = search_batches(index.search, np.asarray(queries.array), k, QUERIES_TOGETHER)
            write_lists(folder, without(ranking.ids, positives))

        inputs = {"passages": passages.key, "queries": queries.key, "qrels": self.corpus.fingerprint(f"qrels-{split}")}
        artifact = self.make("train", "candidates", {"k": k}, inputs, write, about=f"top {k} of the {split} queries")
        return Candidates(read_lists(artifact.folder), artifact.key)
