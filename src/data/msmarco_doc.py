"""data=msmarco_doc: the MS MARCO document ranking set, 3,213,835 documents.

    msmarco-docs.tsv                         docid, url, title, body
    msmarco-doc{train,dev}-queries.tsv       qid, text
    msmarco-doc{train,dev}-qrels.tsv         qid, 0, docid, grade, separated by blanks

A document is its URL, title and body, as in BiDR's code (after ANCE's), or with data.text=title_body its title and
body, or its URL if it has neither. URL and title become the passage's title, the body its text. Queries without
judgements are left out. Layout: Craswell et al., TREC 2019 deep learning track; https://microsoft.github.io/msmarco/.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from ..settings import component, setting
from .base import Source
from .download import Download
from .msmarco import RANGES, write_judged_split
from .passages import Passage
from .raw_files import need_raw, read_table
from .writer import SchemaWriter

HOST = "https://msmarco.z22.web.core.windows.net/msmarcoranking"

# Sizes and MD5 as in ir-datasets; the MD5 of msmarco-docs.tsv.gz as in Anserini's documentation. Its exact size is not
# published: the one here is the space asked of the disk.
DOCUMENTS = Download(
    url=f"{HOST}/msmarco-docs.tsv.gz",
    about_size=8_450_000_000,
    md5="103b19e21ad324d8a5f1ab562425c0b4",
    headers=RANGES,
)
TRAIN_QUERIES = Download(
    url=f"{HOST}/msmarco-doctrain-queries.tsv.gz", size=6_457_962, md5="4086d31a9cf2d7b69c4932609058111d"
)
TRAIN_QRELS = Download(
    url=f"{HOST}/msmarco-doctrain-qrels.tsv.gz", size=2_385_717, md5="9d1609e240113b0504fd2e61cb36d924"
)
DEV_QUERIES = Download(url=f"{HOST}/msmarco-docdev-queries.tsv.gz", size=91_837, md5="ac20593d71b9c32ab2633230f9cdf10d")
DEV_QRELS = Download(url=f"{HOST}/msmarco-docdev-qrels.tsv.gz", size=38_553, md5="5eeafaeb4960979a62e7fed93273254e")


@component
class MsMarcoDoc(Source):
    """MS MARCO documents; scored on dev by default."""

    option = "msmarco_doc"
    passage_names = ("msmarco-docs.tsv",)
    # 1: without the URL; 2: judgements in the order of rows; 3: passages in the file's order; 4: no empty ones
    # 5: a header was a passage
    version: ClassVar[int] = 6
    also_scored = ("MRR@100", "R@10")
    downloads = (DOCUMENTS, TRAIN_QUERIES, TRAIN_QRELS, DEV_QUERIES, DEV_QRELS)

    splits = ("train", "dev")

    split: Literal["train", "dev"] = setting("dev", "split whose queries are scored")
    text: Literal["url_title_body", "title_body"] = setting(
        "url_title_body", "fields of a document to read; BiDR and ANCE read the URL too"
    )

    def split_names(self, folder: Path, split: str) -> tuple[str, ...]:
        return f"msmarco-doc{split}-queries.tsv", f"msmarco-doc{split}-qrels.tsv"

    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        (documents,) = need_raw(folder, *self.passage_names)
        out.passages(documents, _documents(documents, with_url=self.text == "url_title_body"))

    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        for split in splits:
            write_judged_split(out, split, *need_raw(folder, *self.split_names(folder, split)))


def _documents(path: Path, *, with_url: bool) -> Iterator[Passage]:
    for line, (pid, url, title, body) in read_table(path, ("document id", "url", "title", "body")):
        if with_url:
            yield Passage(line, pid, " ".join(filter(None, (url.strip(), title.strip()))), body)
        else:
            yield Passage(line, pid, title, body if title.strip() or body.strip() else url)
