"""Steps on texts: token ids, the BM25 index, and hard negatives mined with it."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array
from ..arrays.ragged import Ragged
from ..data.languages import AUTO, detect
from ..encoders.base import Encoder
from ..encoders.tokens import Form, Tokens, write_tokens
from ..errors import LabradorError
from ..indexes.terms import Analyzer
from ..store import Artifact
from .steps import Steps

TEXTS_PER_BATCH = 4096
LANGUAGE = "language.json"


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
            write_tokens(self._texts(split), total, encoder.tokenizer(), length, folder, Form(prefix, segments))

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
        """The BM25 index of the passages, by words of their language."""
        analyzer = Analyzer(self.language(), self.corpus.handling.tokenizer)

        def write(folder: Path) -> None:
            from ..indexes.lexical import build_bm25

            build_bm25(self.corpus.passages.batches(TEXTS_PER_BATCH), folder, len(self.corpus.passages), analyzer)

        inputs = {"passages": self.corpus.fingerprint("passages")}
        config = {"analyzer": analyzer.described()}
        return self.make("encode", "bm25", config, inputs, write, about="word index of the passages")

    def language(self) -> str:
        """The language of the passages, for their words; logs what it means. data.language, where that is not auto."""
        language = self.corpus.handling.language
        if language == AUTO:
            found = self._detected()
            language, shares = found["language"], found["shares"]
            told = ", ".join(f"{name} {share} %" for name, share in shares.items()) or "no words"
        else:
            told = "data.language"
        self.say(f"BM25: language {language} ({told}): {Analyzer(language).means()}")
        return language

    def _detected(self) -> dict[str, Any]:
        """The language that most passages are in, and those that parts of them are in."""

        def write(folder: Path) -> None:
            found = detect(f"{title}\n{text}" for title, text in self.corpus.sample())
            (folder / LANGUAGE).write_text(json.dumps(asdict(found)), encoding="utf-8")

        inputs = {"passages": self.corpus.fingerprint("passages")}
        artifact = self.make("encode", "language", {}, inputs, write, about="of the passages")
        found: dict[str, Any] = json.loads((artifact.folder / LANGUAGE).read_text(encoding="utf-8"))
        return found

    def bm25_negatives(self, depth: int, split: str = "train") -> Candidates:
        """The top `depth` passages by BM25 of each query of a split, those that are never its negatives removed.

        Where the data brings hard negatives of its own (biencoder-*-train.json), those.
        """
        own = self.corpus.hard_negatives(split)
        if own is not None:
            return Candidates(own, self.corpus.fingerprint(f"negatives-{split}"))
        index = self.bm25()

        def write(folder: Path) -> None:
            from ..indexes.lexical import LexicalIndex, mine

            texts = self.corpus.queries(split).texts
            write_lists(folder, mine(LexicalIndex(index.folder), texts, self.corpus.spared(split), depth))

        artifact = self.make(
            "train",
            "negatives",
            {"depth": depth},
            {"bm25": index.key, "queries": self.corpus.fingerprint(f"queries-{split}"), **self.judged(split)},
            write,
            about=f"top {depth} by BM25 of the {split} queries",
        )
        lists = read_lists(artifact.folder)
        self.warn_of_nothing(lists.lengths > 0, f"{split} questions", "no negatives", "no passage but their positives")
        return Candidates(lists, artifact.key)

    def warn_of_nothing(
        self, found: NDArray[np.bool_], which: str, what: str = "nothing", none: str = "no passage"
    ) -> None:
        """Say in the log when most of the questions share no word with any passage: `found` [Q] is whether they do.

        what, none: what is not found, and the passages that share no word.
        """
        if 2 * np.count_nonzero(found) < len(found):
            self.say(
                f"BM25 finds {what} for {np.count_nonzero(~found):,} of {len(found):,} {which}: {none} shares a word "
                "with them; check data.language, data.tokenizer, and that questions and passages are in one language",
                logging.WARNING,
            )


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
