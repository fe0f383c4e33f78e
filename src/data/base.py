"""The base of all sources: where a corpus comes from, and how its raw files become the schema."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..errors import LabradorError
from .corpus import Handling
from .download import Download
from .exclude_self import ExcludeSelf
from .languages import AUTO, TokenizerName, check_language
from .raw_files import find_raw, need_raw, unreadable
from .schema import SPLITS, Positive, ScoredBy
from .writer import SchemaWriter


@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A source of passages, queries and judgements. Its fields are the keys of conf/data/*.yaml.

    name: what rows and reports call the data; None: what it is called by itself, see `title`.
    path: folder of the raw files; None: the published files, downloaded on first use.
    max_passages: every judged passage and, of the others, as many as make this number; None: all passages.
    split: the split whose queries are scored.
    exclude_self: whether the passage with a query's id is left out of its rankings and negatives; "auto": where it is
    the query itself.
    language: that of the passages for BM25: a code, "auto" or "none"; tokenizer: how BM25 cuts texts into words.
    seed: decides the order of the passages, and with it which of them `max_passages` keeps and which of equally scored
    ones come first; a run's own seed does not.
    """

    option: ClassVar[str]  # of the group: data=OPTION
    scored_by: ClassVar[ScoredBy] = "qrels"
    positive: ClassVar[Positive] = "any"  # which is trained on; first: lists of positives are ranked
    splits: ClassVar[tuple[str, ...]] = SPLITS  # that the source can have
    also_scored: ClassVar[tuple[str, ...]] = ()  # the source's customary metrics, besides those of every row
    downloads: ClassVar[tuple[Download, ...]] = ()
    passage_names: ClassVar[tuple[str, ...]] = ()  # the raw files of the passages
    reads_folder: ClassVar[bool] = True  # False: it has no raw files, and its splits come with the passages
    version: ClassVar[int] = 4  # raise it when the same files are converted to something else

    name: str | None = field(default=None, metadata={"key": False})
    path: str | None = field(default=None, metadata={"key": False})
    max_passages: int | None = None
    split: str = "test"
    exclude_self: ExcludeSelf = "auto"
    language: str = AUTO
    tokenizer: TokenizerName = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.name is not None and not self.name.strip():
            raise LabradorError(f"data.name={self.name!r}: expected a name, or null for the data's own")
        if self.max_passages is not None and self.max_passages < 1:
            raise LabradorError(f"data.max_passages={self.max_passages}: expected a number above 0, or null")
        if not 0 <= self.seed < 2**32:
            raise LabradorError(f"data.seed={self.seed}: expected a number from 0 to {2**32 - 1}; use data.seed=0")
        if self.split not in self.splits:
            raise LabradorError(f"data.split={self.split}: expected one of {', '.join(self.splits)}")
        check_language(self.language)

    @property
    def title(self) -> str:
        """What the data is called: `name`, or its option."""
        return self.name or self.option

    def split_names(self, folder: Path, split: str) -> tuple[str, ...]:
        """The raw files of a split; of several forms, the one in `folder`."""
        return ()

    @abstractmethod
    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        """Read the passages in `folder` and write them out; raises LabradorError with file and line for bad input.

        Does nothing if the source reads no folder; `convert_splits` then writes passages, too.
        """

    @abstractmethod
    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        """Read the splits in `folder` and write them out, after the passages; raises as `convert_passages`."""

    def there(self, folder: Path) -> tuple[str, ...]:
        """The splits whose raw files are in `folder`."""
        names = {split: self.split_names(folder, split) for split in self.splits}
        return tuple(split for split in names if all(find_raw(folder, name) for name in names[split]))

    def need(self, folder: Path, splits: Iterable[str]) -> None:
        """Raise LabradorError naming the raw files of the passages and `splits` that `folder` lacks."""
        wanted = dict.fromkeys(self.passage_names)
        wanted |= dict.fromkeys(name for split in splits for name in self.split_names(folder, split))
        missing = [name for name in wanted if find_raw(folder, name) is None]
        if not missing:
            return
        there = self.there(folder)
        lacking = [split for split in splits if split not in there]
        advice = "put the missing files into the folder, or name another"
        if lacking and all(find_raw(folder, name) for name in self.passage_names):
            advice = f"the data has no {' and no '.join(lacking)} split; put the missing files into the folder"
            if self.split not in there and there:
                advice += f", or set data.split={'dev' if 'dev' in there else there[0]}"
            if "train" in lacking and self.split != "train":
                advice += (
                    ", or use a retriever and a quantizer that learn from no queries: pretrained or bm25, and flat, "
                    "sq8, lsh, pq, opq or rabitq"
                )
        raise LabradorError(f"data.path={folder}: expected {', '.join(missing)} there (plain or .gz); {advice}")

    @property
    def handling(self) -> Handling:
        """How a run uses the converted corpus."""
        return Handling(self.question, self.exclude_self, self.language, self.tokenizer, self.split)

    def question(self, text: str) -> str:
        """The text of a question that is not in the raw files, written as the source writes its own."""
        return text

    def passage_identity(self, folder: Path) -> dict[str, Any]:
        """What decides the passages and is cheap to read: names, sizes and modification times of their raw files."""
        return {"files": _stamps(folder, self.passage_names)}

    def split_identity(self, folder: Path, splits: Iterable[str]) -> dict[str, Any]:
        """What decides the splits, as `passage_identity`."""
        return {"files": _stamps(folder, (name for split in splits for name in self.split_names(folder, split)))}


def _stamps(folder: Path, names: Iterable[str]) -> dict[str, list[int]]:
    """Size and modification time of each raw file, by name; raises LabradorError for an unreadable one."""
    found = {}
    for path in need_raw(folder, *dict.fromkeys(names)):
        try:
            status = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        found[path.relative_to(folder).as_posix()] = [status.st_size, status.st_mtime_ns]
    return found
