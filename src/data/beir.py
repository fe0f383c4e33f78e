"""data=beir: a corpus of yours in BEIR's layout.

    corpus.jsonl[.gz]      {"_id": ..., "title": ..., "text": ...} per line; title or text may be null or missing
    queries.jsonl[.gz]     {"_id": ..., "text": ...} per line
    qrels/SPLIT.tsv[.gz]   query-id, corpus-id, score, or TREC's four columns; at least one of train, dev and test

A query belongs to every split that judges it. Layout: Thakur et al., BEIR, 2021.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..settings import component, setting
from .base import Source
from .passages import Passage
from .qrels import id_of, judged_queries, read_json_lines, read_qrels, text_of
from .raw_files import need_raw
from .writer import Query, SchemaWriter


@component
class Beir(Source):
    """A folder in BEIR's layout; needs `path`."""

    option = "beir"
    passage_names = ("corpus.jsonl",)

    name: str | None = setting(None, "name of the data in reports; null: the folder's name", decides=False)
    path: str | None = setting(None, "folder of the corpus, plain or gzip files; needed", decides=False, path=True)

    @property
    def title(self) -> str:
        """`name`, or the name of the folder."""
        if self.name or self.path is None:
            return super().title
        return Path(os.path.normpath(Path(self.path).expanduser().absolute())).name or self.option

    def split_names(self, folder: Path, split: str) -> tuple[str, ...]:
        return "queries.jsonl", f"qrels/{split}.tsv"

    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        (corpus,) = need_raw(folder, *self.passage_names)
        out.passages(corpus, _passages(corpus))

    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        (queries_path,) = need_raw(folder, "queries.jsonl")
        queries = list(_queries(queries_path))
        used: set[str] = set()
        for split in splits:
            (path,) = need_raw(folder, f"qrels/{split}.tsv")
            judgements = list(read_qrels(path))
            judged = judged_queries(queries, path, judgements)
            out.split(split, queries_path, judged, out.judgements(path, judgements))
            used.update(query.qid for query in judged)
        unjudged = [query.qid for query in queries if query.qid not in used]
        out.omit("queries", "unjudged", len(unjudged), unjudged[0] if unjudged else "")


def _passages(path: Path) -> Iterator[Passage]:
    for line, found in read_json_lines(path):
        title, text = text_of(path, line, found, "title", "text")
        yield Passage(line, id_of(path, line, found), title, text)


def _queries(path: Path) -> Iterator[Query]:
    for line, found in read_json_lines(path):
        (text,) = text_of(path, line, found, "text")
        yield Query(line, id_of(path, line, found), text)
