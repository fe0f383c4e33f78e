"""data=msmarco: the MS MARCO passage ranking set, 8,841,823 passages.

    collection.tsv                                   pid, text
    queries.train.tsv, queries.dev[.small].tsv       qid, text
    qrels.train.tsv, qrels.dev[.small].tsv           qid, 0, pid, grade
    the file of data.titles (RocketQA's para.title.txt)  pid, title

dev is the 6,980 queries of dev.small: if the folder has a .small and a full file, the small one is read. Queries
without judgements, 300,000 of the published train queries, are left out.
Layout: Bajaj et al., MS MARCO, 2016; https://microsoft.github.io/msmarco/.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from ..errors import LabradorError
from ..settings import component, setting
from .base import Source
from .download import Download
from .passages import Passage
from .qrels import judged_queries, read_qrels, read_query_table
from .raw_files import bad_line, find_raw, need_raw, read_table
from .writer import SchemaWriter

log = logging.getLogger(__name__)

# Size and MD5 as in ir-datasets. The server answers range requests only with this header
# (https://github.com/microsoft/msmarco/issues/7).
RANGES = (("X-Ms-Version", "2019-12-12"),)
COLLECTION_AND_QUERIES = Download(
    url="https://msmarco.z22.web.core.windows.net/msmarcoranking/collectionandqueries.tar.gz",
    size=1_057_717_952,
    md5="31644046b18952c1386cd4564ba2ae69",
    headers=RANGES,
    members=("collection.tsv", "queries.train.tsv", "queries.dev.small.tsv", "qrels.train.tsv", "qrels.dev.small.tsv"),
    unpacked_size=3_200_000_000,  # about; the collection alone is 3.06 GB
)


@component
class MsMarco(Source):
    """MS MARCO passages; scored on dev by default."""

    option = "msmarco"
    passage_names = ("collection.tsv",)
    version: ClassVar[int] = 5  # 4: a header was a passage
    also_scored = ("R@10", "Success@50", "Success@1000")  # RocketQA and PAIR publish the last two as recall
    downloads = (COLLECTION_AND_QUERIES,)

    splits = ("train", "dev")

    split: Literal["train", "dev"] = setting("dev", "split whose queries are scored")
    titles: str | None = setting(  # in the identity by size and time of change
        None,
        "file of passage titles, pid<TAB>title a line (RocketQA's para.title.txt); null: no titles",
        key=False,
        path=True,
    )

    def split_names(self, folder: Path, split: str) -> tuple[str, ...]:
        if split == "train":
            return "queries.train.tsv", "qrels.train.tsv"
        small, full = ((f"queries.dev{form}.tsv", f"qrels.dev{form}.tsv") for form in (".small", ""))
        return tuple(
            whole if find_raw(folder, whole) and not find_raw(folder, name) else name
            for name, whole in zip(small, full, strict=True)
        )

    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        (collection,) = need_raw(folder, *self.passage_names)
        titles = self._titles()
        passages = _passages(collection)
        out.passages(collection, passages if titles is None else titled(passages, titles, collection))

    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        for split in splits:
            write_judged_split(out, split, *need_raw(folder, *self.split_names(folder, split)))

    def passage_identity(self, folder: Path) -> dict[str, Any]:
        titles = self._titles()
        if titles is None:
            return super().passage_identity(folder)
        status = titles.stat()
        return super().passage_identity(folder) | {"titles": [status.st_size, status.st_mtime_ns]}

    def _titles(self) -> Path | None:
        """The file of titles; raises LabradorError if it is missing."""
        path = None if self.titles is None else Path(self.titles).expanduser()
        if path is not None and not path.is_file():
            raise LabradorError(
                f"data.titles={self.titles}: no such file; expected lines with a passage id, a tab and its title, as "
                "in RocketQA's para.title.txt"
            )
        return path


def titled(passages: Iterable[Passage], titles: Path, collection: Path) -> Iterator[Passage]:
    """The passages of `collection` with their titles, if any, in the file `titles`.

    Titles in the order of the passages are read alongside them; in another order they are held in memory.
    Raises LabradorError with the line for a title of an unknown passage and for a passage's second title.
    """
    ahead: dict[str, tuple[int, str]] = {}  # titles read before their passages
    rest = read_table(titles, ("passage id", "title"))
    untitled = 0
    for passage in passages:
        title = ahead.pop(passage.pid)[1] if passage.pid in ahead else _read_up_to(passage.pid, rest, ahead, titles)
        untitled += not title
        yield passage._replace(title=title)
    _read_up_to(None, rest, ahead, titles)
    for pid, (line, _) in ahead.items():
        raise bad_line(
            titles,
            line,
            f"title of passage {pid!r}, unknown or titled before; expected one title a passage of {collection.name}",
        )
    if untitled:
        log.info("%s: passages without a title: %s", titles, f"{untitled:,}")


def _read_up_to(
    pid: str | None, rest: Iterator[tuple[int, list[str]]], ahead: dict[str, tuple[int, str]], titles: Path
) -> str:
    """The title of passage `pid`, "" if it has none; titles read before it go to `ahead`."""
    for line, (found, title) in rest:
        if found == pid:
            return title
        if found in ahead:
            raise bad_line(titles, line, f"a second title of passage {found!r}; expected one title a passage")
        ahead[found] = line, title
    return ""


def _passages(path: Path) -> Iterator[Passage]:
    for line, (pid, text) in read_table(path, ("passage id", "text")):
        yield Passage(line, pid, "", text)


def write_judged_split(out: SchemaWriter, split: str, queries_path: Path, qrels_path: Path) -> None:
    """Write a split from a query table and TREC judgements, without queries that have none."""
    judgements = list(read_qrels(qrels_path))
    queries = judged_queries(read_query_table(queries_path), qrels_path, judgements)
    out.split(split, queries_path, queries, out.judgements(qrels_path, judgements))
