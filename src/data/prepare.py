"""From a source to an opened corpus: download, convert, cut, each once and kept in the store."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..errors import LabradorError
from ..machine import processes
from ..store import Artifact, Recipe, Store, describe
from .base import Source
from .corpus import DATA, SUBSET, Corpus
from .download import fetch_all
from .exclude_self import summary
from .omissions import report
from .schema import SCHEMA_VERSION
from .subset import sample_rows, write_subset
from .writer import SchemaWriter

SUBSET_VERSION = 4
HANDLING = ("max_passages", "split", "exclude_self", "language", "tokenizer")  # settings that change no conversion

log = logging.getLogger(__name__)


def prepare(source: Source, store: Store, needed: Sequence[str] = ()) -> Corpus:
    """The corpus of a source, converted or found in the store: its passages and every split whose raw files exist.

    The raw files of the passages, the scored split and the `needed` splits must exist. Other splits that cannot be read
    are left out with a warning, unless a cut (`max_passages`) must keep the passages that they judge. Passages are a
    separate artifact, so that a new or changed split does not convert them again. Logs what is left out and which
    queries are passages. Raises LabradorError for missing or bad raw files.
    """
    needed = tuple(split for split in source.splits if split in (source.split, *needed))
    folder = _raw_folder(source, store, needed)
    source.need(folder, needed)
    splits = source.there(folder)
    described = {"source": describe(source, leave_out=HANDLING), "schema": SCHEMA_VERSION}

    def writer(into: Path) -> SchemaWriter:
        return SchemaWriter(into, source.scored_by, source.positive, source.seed)

    shared = None
    if source.reads_folder:
        made_from = {**described, "raw": source.passage_identity(folder)}
        convert = partial(_passages_alone, source, folder, writer)
        shared = store.make(Recipe("passages", made_from, about=f"of {source.title}"), convert)

    def converted(splits: Sequence[str]) -> Artifact:
        def fill(into: Path) -> None:
            out = writer(into)
            if shared is not None:
                out.share(shared)
            source.convert_splits(folder, splits, out)
            out.finish()

        made_from = {**described, "raw": source.split_identity(folder, splits)}
        inputs = {} if shared is None else {"passages": shared.key}
        return store.make(Recipe(DATA, made_from, inputs, about=", ".join((source.title, *splits))), fill)

    try:
        whole = converted(splits)
    except LabradorError as error:
        if splits == needed or source.max_passages is not None or processes.world_size() > 1:
            raise
        whole = converted(needed)  # raises again if the fault is in these
        left = " and ".join(split for split in splits if split not in needed)
        log.warning("%s (this run does not need the %s split and continues without it)", error, left)
    corpus = Corpus(whole.folder, source.handling)
    report(corpus.meta["left_out"])
    count = source.max_passages
    if count is None or count >= len(corpus.passages):
        return _announced(corpus)

    def cut(into: Path) -> None:
        out = writer(into)
        write_subset(corpus, sample_rows(corpus, count), out)
        out.finish()

    about = f"{source.option}, {count:,} passages"
    recipe = Recipe(SUBSET, {"max_passages": count}, {"data": whole.key}, SUBSET_VERSION, about)
    subset = store.make(recipe, cut)
    return _announced(Corpus(subset.folder, source.handling))


def _announced(corpus: Corpus) -> Corpus:
    """Log one line on what data.exclude_self does, if anything; returns the corpus."""
    own = {split: corpus.own(split) for split in corpus.splits}
    said = summary(corpus.same_ids, own)
    if said is not None:
        log.info("%s (data.exclude_self=%s)", said, str(corpus.handling.exclude_self).lower())
    return corpus


def _passages_alone(source: Source, folder: Path, writer: Callable[[Path], SchemaWriter], into: Path) -> None:
    source.convert_passages(folder, writer(into))


def _raw_folder(source: Source, store: Store, needed: Sequence[str]) -> Path:
    """The folder of the raw files; without a path, published files are downloaded into the store.

    Files of all splits are fetched for a run that learns, which may read any, and for a cut, which keeps the passages
    that any split judges; otherwise only those of the `needed` splits.
    """
    if source.path is not None:
        folder = Path(source.path).expanduser()
        try:
            is_file, is_folder = folder.is_file(), folder.is_dir()
        except OSError as error:
            raise LabradorError(
                f"data.path={source.path}: {error.strerror}; expected a folder of files; check its permissions"
            ) from error
        if is_file:
            raise LabradorError(f"data.path={source.path}: a file; expected a folder; name the one it is in")
        if not is_folder:
            raise LabradorError(f"data.path={source.path}: no such folder; name the folder of the files")
        return folder
    folder = store.root / "raw" / source.option
    if source.reads_folder and not source.downloads:
        raise LabradorError(f"data.path=null: data={source.option} needs the folder of the corpus; set data.path=DIR")
    if source.downloads:
        splits = source.splits if "train" in needed or source.max_passages is not None else needed
        names = {name for split in splits for name in source.split_names(folder, split)} | set(source.passage_names)
        if processes.is_main():
            fetch_all([download for download in source.downloads if download.brings & names], folder)
        processes.barrier()
    return folder
