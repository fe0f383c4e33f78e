"""What a source is: where a corpus comes from, and how its raw files become the schema."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..errors import LabradorError
from .corpus import Handling
from .download import Download
from .languages import AUTO, TokenizerName, check_language
from .own import ExcludeSelf
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
    positive: ClassVar[Positive] = "any"  # which is trained on; first: the lists of positives are ranked, best first
    splits: ClassVar[tuple[str, ...]] = SPLITS  # those the source can have
    also_scored: ClassVar[tuple[str, ...]] = ()  # metrics this source is known by, beside those of every row
    downloads: ClassVar[tuple[Download, ...]] = ()
    reads_folder: ClassVar[bool] = True  # False: the raw files are not in a folder of their own
    version: ClassVar[int] = 3  # raised when `convert` writes something else from the same files

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
            raise LabradorError(f"data.max_passages={self.max_passages}: a number above 0 or null was expected")
        if not 0 <= self.seed < 2**32:
            raise LabradorError(f"data.seed={self.seed}: expected a number from 0 to {2**32 - 1}; use data.seed=0")
        if self.split not in self.splits:
            raise LabradorError(f"data.split={self.split}: one of {', '.join(self.splits)} was expected")
        check_language(self.language)

    @property
    def title(self) -> str:
        """What the data is called: `name`, or else its option."""
        return self.name or self.option

    @abstractmethod
    def files(self, folder: Path) -> list[Path]:
        """The raw files in `folder` that `convert` reads; raises LabradorError naming those that are missing."""

    @abstractmethod
    def convert(self, folder: Path, out: SchemaWriter) -> None:
        """Read the raw files in `folder` and write them out; raises LabradorError with file and line for bad input."""

    @property
    def handling(self) -> Handling:
        """How a run deals with the converted corpus."""
        return Handling(self.question, self.exclude_self, self.language, self.tokenizer)

    def question(self, text: str) -> str:
        """A question's text as it stands in this source's splits, for one that is not in its files."""
        return text

    def identity(self, folder: Path) -> dict[str, Any]:
        """What decides the content, cheap to find: names, sizes and times of change of the raw files."""
        found = {}
        for path in self.files(folder):
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = [status.st_size, status.st_mtime_ns]
        return {"files": found}
