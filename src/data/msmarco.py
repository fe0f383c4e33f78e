"""data=msmarco: the MS MARCO passage ranking set, 8,841,823 passages.

    collection.tsv                                   pid, text
    queries.train.tsv, queries.dev[.small].tsv       qid, text
    qrels.train.tsv, qrels.dev[.small].tsv           qid, 0, pid, grade

dev is the 6,980 queries of dev.small: where both a .small and a full file lie in the folder, the small one is read.
The published train queries include 300,000 without judgements; queries that nothing judges are left out.
Layout: Bajaj et al., MS MARCO, 2016; https://microsoft.github.io/msmarco/.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .base import Source
from .download import Download
from .qrels import judged_queries, read_query_table, read_trec_qrels
from .raw import find_raw, need_raw, read_table
from .writer import Passage, SchemaWriter

# Size and MD5 as ir-datasets gives them. The server takes range requests with this header alone
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


@dataclass(frozen=True, kw_only=True)
class MsMarco(Source):
    """MS MARCO passages; scored on dev unless told otherwise."""

    name = "msmarco"
    also_scored = ("R@10",)
    downloads = (COLLECTION_AND_QUERIES,)

    splits = ("train", "dev")

    split: str = "dev"

    def files(self, folder: Path) -> list[Path]:
        full = {name: name.replace(".small", "") for name in ("queries.dev.small.tsv", "qrels.dev.small.tsv")}
        dev = [full[name] if find_raw(folder, full[name]) and not find_raw(folder, name) else name for name in full]
        return need_raw(folder, "collection.tsv", "queries.train.tsv", "qrels.train.tsv", *dev)

    def convert(self, folder: Path, out: SchemaWriter) -> None:
        collection, *rest = self.files(folder)
        out.passages(collection, _passages(collection))
        write_judged_split(out, "train", *rest[:2])
        write_judged_split(out, "dev", *rest[2:])


def _passages(path: Path) -> Iterator[Passage]:
    for line, (pid, text) in read_table(path, ("passage id", "text")):
        yield Passage(line, pid, "", text)


def write_judged_split(out: SchemaWriter, split: str, queries_path: Path, qrels_path: Path) -> None:
    """Write a split from a query table and TREC judgements, without the queries that nothing judges.

    Raises LabradorError for a judgement whose query the table does not have.
    """
    judgements = list(read_trec_qrels(qrels_path))
    queries = judged_queries(read_query_table(queries_path), qrels_path, judgements)
    out.split(split, queries_path, queries, out.judgements(qrels_path, judgements))
