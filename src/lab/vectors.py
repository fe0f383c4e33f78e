"""Steps on vectors: training an encoder, encoding passages and queries with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

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
VECTORS = "vectors.npy"
Transform = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Encoding:
    """One pass of an encoder over tokens: what it needs, and what names its result."""

    checkpoint: Checkpoint
    side: "Side"
    tokens: Tokens
    dtype: Literal["float32", "float16"]
    precision: Literal["float32", "bfloat16"]
    device: str
    inputs: dict[str, str]
    about: str

    @property
    def config(self) -> dict[str, str]:
        """What enters the key of the vectors besides the inputs."""
        return {"side": self.side, "dtype": self.dtype, "precision": self.precision}

    def write(self, out: Path, transform: Transform | None = None) -> None:
        """Write the vectors, or `transform` of them, to the .npy file `out`; continues what a killed run began."""
        from ..encoding import EncodeSettings, encode

        settings = EncodeSettings(dtype=self.dtype, precision=self.precision, device=self.device)
        encode(self.checkpoint.towers(), self.side, self.tokens, out, settings, transform)


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
        return self._vectors(self.encoding(checkpoint))

    def queries(self, checkpoint: Checkpoint, split: str) -> Stored:
        """The vectors of the queries of `split`, [Q, D] float32."""
        return self._vectors(self.encoding(checkpoint, split))

    def encoding(self, checkpoint: Checkpoint, split: str | None = None) -> "Encoding":
        """What encoding the queries of `split` with `checkpoint`, or for None the passages, takes and is named by."""
        from ..devices import precision

        encoder = checkpoint.encoder
        tokens, tokens_key = self.tokens(encoder, split)
        return Encoding(
            checkpoint=checkpoint,
            side="passage" if split is None else "query",
            tokens=tokens,
            dtype=encoder.dtype if split is None else "float32",
            precision=precision(self.device) if encoder.precision == "auto" else encoder.precision,
            device=self.device,
            inputs={"checkpoint": checkpoint.key, "tokens": tokens_key},
            about=f"{len(tokens):,} {'passages' if split is None else f'{split} queries'}",
        )

    def _vectors(self, encoding: "Encoding") -> Stored:
        artifact = self.make(
            "encode",
            "vectors",
            encoding.config,
            encoding.inputs,
            lambda folder: encoding.write(folder / VECTORS),
            resumable=True,
            collective=True,
            about=encoding.about,
        )
        return Stored(open_array(artifact.folder / VECTORS), artifact.key)

    def sample_queries(self, split: str, limit: int | None) -> NDArray[np.int64]:
        """Rows of the queries of `split` that have a positive, at most `limit` of them, drawn with the seed."""
        rows = np.flatnonzero(self.corpus.positives(split).lengths)
        if limit is None or len(rows) <= limit:
            return rows
        return np.sort(np.random.default_rng(self.seed).choice(rows, size=limit, replace=False))

    def search(self, checkpoint: Checkpoint, split: str, k: int, limit: int | None = None) -> Candidates:
        """The top `k` passages of each judged query of `split` by exact search over the checkpoint's vectors.

        With a `limit`, of so many of them, as `sample_queries` draws them; the others' lists are empty.
        """
        passages, queries = self.passages(checkpoint), self.queries(checkpoint, split)
        positives: Ragged = self.corpus.positives(split)
        rows = self.sample_queries(split, limit)

        def write(folder: Path) -> None:
            from ..indexes.flat import FlatIndex

            index = FlatIndex(passages.array.shape[1], passages.array.dtype)
            index.add(passages.array.view(np.uint8))
            ids = np.empty((0, k), dtype=np.int64)
            if len(rows):
                ids = search_batches(index.search, np.asarray(queries.array[rows]), k, QUERIES_TOGETHER)[0].ids
            write_lists(folder, without(ids, positives.take(rows)).spread(rows, len(positives)))

        inputs = {"passages": passages.key, "queries": queries.key, "qrels": self.corpus.fingerprint(f"qrels-{split}")}
        drawn = len(rows) < np.count_nonzero(positives.lengths)
        config = {"k": k} | ({"queries": len(rows), "seed": self.seed} if drawn else {})
        about = f"top {k} of {len(rows):,} {split} queries"
        artifact = self.make("train", "candidates", config, inputs, write, version=2, about=about)
        return Candidates(read_lists(artifact.folder), artifact.key)
