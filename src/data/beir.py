"""data=beir: anyone's corpus in BEIR's layout.

    corpus.jsonl[.gz]      {"_id": ..., "title": ..., "text": ...} per line; title or text may be null or missing
    queries.jsonl[.gz]     {"_id": ..., "text": ...} per line
    qrels/SPLIT.tsv[.gz]   query-id, corpus-id, score, or TREC's four columns; at least one of train, dev and test

A query belongs to the splits that judge it. Layout: Thakur et al., BEIR, 2021.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabradorError
from .base import Source
from .qrels import id_of, judged_queries, read_json_lines, read_qrels, text_of
from .raw import find_raw, need_raw
from .schema import SPLITS
from .writer import Passage, Query, SchemaWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Beir(Source):
    """A folder in BEIR's layout; `path` is needed."""

    option = "beir"

    @property
    def title(self) -> str:
        """`name`, or else the name of the folder."""
        if self.name or self.path is None:
            return super().title
        return Path(os.path.normpath(Path(self.path).expanduser().absolute())).name or self.option

    def files(self, folder: Path) -> list[Path]:
        qrels = [path for split in SPLITS if (path := find_raw(folder / "qrels", f"{split}.tsv"))]
        found = need_raw(folder, "corpus.jsonl", "queries.jsonl")
        if not qrels:
            raise LabradorError(
                f"data.path={folder}: judgements expected in qrels/train.tsv, qrels/dev.tsv or qrels/test.tsv; "
                "add at least the split that is scored"
            )
        return found + qrels

    def convert(self, folder: Path, out: SchemaWriter) -> None:
        corpus, queries_path, *qrels = self.files(folder)
        out.passages(corpus, _passages(corpus))
        queries = list(_queries(queries_path))
        used: set[str] = set()
        for path in qrels:
            judgements = list(read_qrels(path))
            judged = judged_queries(queries, path, judgements)
            out.split(path.name.split(".")[0], queries_path, judged, out.judgements(path, judgements))
            used.update(query.qid for query in judged)
        if len(used) < len(queries):
            log.info("%s: %s queries without judgements are left out", queries_path, f"{len(queries) - len(used):,}")


def _passages(path: Path) -> Iterator[Passage]:
    for line, found in read_json_lines(path):
        title, text = text_of(path, line, found, "title", "text")
        yield Passage(line, id_of(path, line, found), title, text)


def _queries(path: Path) -> Iterator[Query]:
    for line, found in read_json_lines(path):
        (text,) = text_of(path, line, found, "text")
        yield Query(line, id_of(path, line, found), text)
