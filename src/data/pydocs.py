"""data=pydocs: the docstrings of the running Python, a retrieval set that needs no download.

A query is the summary line of a docstring ("Return a shallow copy of the list."); its passage has the qualified name as
title and the rest as text. The standard library and those of `packages` that are installed are read. Copies are merged:
docstrings with one summary are one query with several positives, those with one name and text are one passage. A hash
of its qualified name decides a query's split: 8 in 10 train, 1 dev, 1 test.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import platform
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..machine.progress_bar import bar
from ..settings import component, setting
from .base import Source
from .docstrings import Entry, read_docstrings
from .judgements import Judgement
from .passages import Passage
from .schema import SPLITS
from .writer import Query, SchemaWriter

log = logging.getLogger(__name__)

SKIPPED = {  # much source, few docstrings that anyone would search for
    "torch": frozenset({"_dynamo", "_inductor"}),  # the insides of the compiler
    "transformers": frozenset({"models"}),  # hundreds of models, copied from one another with their docstrings
}


@component
class PyDocs(Source):
    """Docstrings of the standard library and of installed packages."""

    option = "pydocs"
    reads_folder = False

    path: None = None  # there is no folder
    packages: tuple[str, ...] = setting(
        ("numpy", "pandas", "torch", "transformers"), "packages read besides the standard library, where installed"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(package.isidentifier() for package in self.packages):
            raise SettingError("packages", self.packages, "a list of package names such as [numpy]")

    def split_identity(self, folder: Path, splits: Iterable[str]) -> dict[str, Any]:
        """The versions of Python and of the packages that are read."""
        return {"python": platform.python_version(), "packages": {name: _version(name) for name in self._installed()}}

    def _installed(self) -> dict[str, Path]:
        """The folders of the installed packages, found without importing them."""
        folders = {}
        for package in self.packages:
            spec = importlib.util.find_spec(package)
            if spec is not None and spec.submodule_search_locations:
                folders[package] = Path(next(iter(spec.submodule_search_locations)))
        return folders

    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        """Do nothing: `convert_splits` writes the passages, too."""

    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        installed = self._installed()
        for package in self.packages:
            if package not in installed:
                log.info("data.packages: %s is not installed; skipped", package)
        roots = {"": Path(sysconfig.get_paths()["stdlib"]), **installed}
        entries: dict[str, Entry] = {}
        with bar("pydocs", " docstrings") as shown:
            for package, root in roots.items():
                for entry in read_docstrings(root, package, SKIPPED.get(package, frozenset())):
                    entries.setdefault(entry.name, entry)  # a property's setter repeats its name
                    shown.update()
        write_entries([entries[name] for name in sorted(entries)], out)


def write_entries(entries: Sequence[Entry], out: SchemaWriter) -> None:
    """Write entries (sorted by name, no name twice) as passages, queries and judgements."""
    where = Path("pydocs")
    passage_of: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        passage_of.setdefault(_copy_key(entry), entry)
    passages = sorted(passage_of.values())
    out.passages(where, (Passage(i, e.name, e.name, e.text) for i, e in enumerate(passages, start=1)))
    by_summary: dict[str, list[Entry]] = {}
    for entry in entries:
        by_summary.setdefault(entry.summary.casefold().rstrip(". "), []).append(entry)
    for split in SPLITS:
        groups = [group for group in by_summary.values() if split_of(group[0].name) == split]
        if groups:
            queries = (Query(i, group[0].name, group[0].summary) for i, group in enumerate(groups, start=1))
            out.split(split, where, queries, out.judgements(where, _judgements(groups, passage_of)))


def _judgements(groups: list[list[Entry]], passage_of: dict[tuple[str, str], Entry]) -> Iterator[Judgement]:
    for i, group in enumerate(groups, start=1):
        for entry in group:
            yield Judgement(i, group[0].name, passage_of[_copy_key(entry)].name, 1)


def _copy_key(entry: Entry) -> tuple[str, str]:
    """What copies of one docstring share: the last part of the name and the text."""
    return entry.name.rpartition(".")[2], entry.text


def split_of(name: str) -> str:
    """The split of a qualified name: the same on every machine, whatever else is installed."""
    bucket = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") % 10
    return {0: "test", 1: "dev"}.get(bucket, "train")


def _version(package: str) -> str:
    """The installed version of an import package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        names = importlib.metadata.packages_distributions().get(package, [])
        return " ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(names))) or "unversioned"
