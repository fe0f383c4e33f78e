"""Token ids of passages and queries: made once per texts, tokenizer, length and prefix, shared by every retriever."""

from collections.abc import Iterator
from pathlib import Path

from ..encoders.base import Encoder
from ..encoders.tokens import Form, Tokens, write_tokens
from ..training.train_set import QuerySet
from . import artifacts
from .bench import Bench
from .stored import StoredTokens

TEXTS_PER_BATCH = 4096


def passages(bench: Bench, encoder: Encoder) -> StoredTokens:
    """Token ids of all passages."""

    def write(folder: Path) -> None:
        form = Form(encoder.prefix("passage"), encoder.segments)
        texts = bench.corpus.passages.batches(TEXTS_PER_BATCH)
        count = len(bench.corpus.passages)
        write_tokens(texts, count, encoder.tokenizer(), encoder.max_passage_length, folder, form)

    artifact = bench.make(artifacts.tokens(bench, encoder, None), write)
    return StoredTokens(Tokens(artifact.folder), artifact.key)


def queries(bench: Bench, encoder: Encoder, asked: QuerySet) -> StoredTokens:
    """Token ids of queries."""

    def write(folder: Path) -> None:
        form = Form(encoder.prefix("query"), segments=False)  # a query is one text
        write_tokens(_batches(asked), len(asked), encoder.tokenizer(), encoder.max_query_length, folder, form)

    artifact = bench.make(artifacts.tokens(bench, encoder, asked), write)
    return StoredTokens(Tokens(artifact.folder), artifact.key)


def _batches(asked: QuerySet) -> Iterator[list[str]]:
    for start in range(0, len(asked), TEXTS_PER_BATCH):
        yield list(asked.texts[start : start + TEXTS_PER_BATCH])
