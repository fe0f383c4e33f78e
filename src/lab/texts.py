"""Steps on texts: token ids, the BM25 index, and hard negatives mined with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.ragged import Ragged
from ..encoders.base import Encoder
from ..encoders.tokens import Tokens, write_tokens
from ..errors import LabradorError
from ..store import Artifact
from .steps import Steps, open_array

TEXTS_PER_BATCH = 4096


@dataclass(frozen=True)
class Candidates:
    """Passages for each query of a split, best first, none that is never its negative; the key of their artifact."""

    lists: Ragged
    key: str


class TextSteps(Steps):
    """Tokens and BM25."""

    def tokens(self, encoder: Encoder, split: str | None = None) -> tuple[Tokens, str]:
        """Token ids of the queries of `split`, or of the passages for None, and their key.

        Made once per (texts, tokenizer, length, prefix, segments) and shared by every retriever.
        """
        if split is None:
            part, length, prefix = "passages", encoder.max_passage_length, encoder.prefix("passage")
        else:
            part, length, prefix = f"queries-{split}", encoder.max_query_length, encoder.prefix("query")

        segments = encoder.segments and split is None  # a query is one text

        def write(folder: Path) -> None:
            total = len(self.corpus.passages) if split is None else len(self.corpus.queries(split))
            write_tokens(self._texts(split), total, encoder.tokenizer(), length, folder, prefix, segments)

        artifact = self.make(
            "encode",
            "tokens",
            {
                "length": length,
                "prefix": prefix,
                "tokenizer": encoder.tokenizer_fingerprint(),
                **({"segments": True} if segments else {}),
            },
            {"texts": self.corpus.fingerprint(part)},
            write,
            about=part,
        )
        return Tokens(artifact.folder), artifact.key

    def _texts(self, split: str | None) -> Iterator[list[str]] | Iterator[list[tuple[str, str]]]:
        if split is None:
            return self.corpus.passages.batches(TEXTS_PER_BATCH)
        texts = self.corpus.queries(split).texts
        return (texts[start : start + TEXTS_PER_BATCH] for start in range(0, len(texts), TEXTS_PER_BATCH))

    def bm25(self) -> Artifact:
        """The BM25 index of the passages."""

        def write(folder: Path) -> None:
            from ..indexes.lexical import build_bm25

            build_bm25(self.corpus.passages.batches(TEXTS_PER_BATCH), folder, total=len(self.corpus.passages))

        inputs = {"passages": self.corpus.fingerprint("passages")}
        return self.make("encode", "bm25", {}, inputs, write, about="word index of the passages")

    def bm25_negatives(self, depth: int) -> Candidates:
        """The top `depth` passages by BM25 of each train query, those that are never its negatives removed.

        Where the data brings hard negatives of its own (biencoder-*-train.json), those.
        """
        own = self.corpus.hard_negatives("train")
        if own is not None:
            return Candidates(own, self.corpus.fingerprint("negatives-train"))
        index = self.bm25()

        def write(folder: Path) -> None:
            from ..indexes.lexical import LexicalIndex, mine

            texts = self.corpus.queries("train").texts
            write_lists(folder, mine(LexicalIndex(index.folder), texts, self.corpus.spared("train"), depth))

        artifact = self.make(
            "train",
            "negatives",
            {"depth": depth},
            {"bm25": index.key, "queries": self.corpus.fingerprint("queries-train"), **self.judged("train")},
            write,
            about=f"top {depth} by BM25 of the train queries",
        )
        return Candidates(read_lists(artifact.folder), artifact.key)


def write_lists(folder: Path, lists: Ragged) -> None:
    """Save a Ragged as values.npy and offsets.npy."""
    np.save(folder / "values.npy", lists.values, allow_pickle=False)
    np.save(folder / "offsets.npy", lists.offsets, allow_pickle=False)


def read_lists(folder: Path) -> Ragged:
    """What `write_lists` saved, memory-mapped."""
    return Ragged(open_array(folder / "values.npy"), open_array(folder / "offsets.npy"))


def without(ids: np.ndarray, positives: Ragged) -> Ragged:
    """Ranked passage rows int64 [Q, k] (-1 = none) as lists, each query's positives removed.

    Raises LabradorError when rows and queries do not correspond.
    """
    if len(ids) != len(positives):
        raise LabradorError(f"{len(ids)} rankings for {len(positives)} queries: expected one each")
    kept = [row[(row >= 0) & ~np.isin(row, positives[query])] for query, row in enumerate(ids)]
    offsets = np.cumsum([0, *map(len, kept)], dtype=np.int64)
    return Ragged(np.concatenate([*kept, np.empty(0, dtype=np.int64)]), offsets)
