"""The base of all sources: where a corpus comes from, and how its raw files become the schema."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..errors import LabradorError, SettingError
from ..settings import MAX_SEED, component, setting
from .corpus import Handling
from .download import Download
from .exclude_self import ExcludeSelf
from .languages import AUTO, TokenizerName, check_language
from .raw_files import find_raw, need_raw, unreadable
from .schema import SPLITS, Positive, ScoredBy, Split
from .writer import SchemaWriter


@component
class Source(ABC):
    """A source of passages, queries and judgements."""

    option: ClassVar[str]  # of the group: data=OPTION
    scored_by: ClassVar[ScoredBy] = "qrels"
    positive: ClassVar[Positive] = "any"  # which is trained on; first: lists of positives are ranked
    splits: ClassVar[tuple[str, ...]] = SPLITS  # that the source can have
    also_scored: ClassVar[tuple[str, ...]] = ()  # the source's customary metrics, besides those of every row
    downloads: ClassVar[tuple[Download, ...]] = ()
    passage_names: ClassVar[tuple[str, ...]] = ()  # the raw files of the passages
    reads_folder: ClassVar[bool] = True  # False: it has no raw files, and its splits come with the passages
    version: ClassVar[int] = 4  # raise it when the same files are converted to something else

    name: str | None = setting(None, "name of the data in reports; null: the option's name", decides=False)
    path: str | None = setting(
        None, "folder of the raw files, plain or gzip; null: downloads the published files", decides=False, path=True
    )
    max_passages: int | None = setting(
        None, "passages to keep: all judged ones and a sample of the others; null: all", ge=1
    )
    split: Split = setting("test", "split whose queries are scored")
    exclude_self: ExcludeSelf = setting(
        "auto",
        "leave the passage with a query's id out of its ranking and negatives; auto: if their texts agree",
    )
    language: str = setting(
        AUTO,
        "language of the passages, for BM25's stemmer and stop words: en, de, zh, ...; auto: detected; none: neither",
    )
    tokenizer: TokenizerName = setting(
        "auto",
        "BM25's terms; auto: words, but overlapping pieces of Chinese, Japanese, Korean, Thai, ...",
    )
    seed: int = setting(
        0,
        "seed of the passages' order: which ones max_passages keeps, which of equal scores come first",
        ge=0,
        le=MAX_SEED,
    )

    def __post_init__(self) -> None:
        if self.name is not None and not self.name.strip():
            raise SettingError("name", repr(self.name), "a name", "or leave it out")
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
                advice += f", or set data.split={next(name for name in ('test', 'dev', there[0]) if name in there)}"
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
