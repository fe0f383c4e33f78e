"""From a source to an opened corpus: download, convert, cut; each once."""

import logging
from pathlib import Path

from .. import processes
from ..errors import LabradorError
from ..store import Store, describe
from .base import Source
from .corpus import Corpus
from .download import fetch_all
from .own import summary
from .schema import SCHEMA_VERSION
from .subset import sample_rows, write_subset
from .writer import SchemaWriter

SUBSET_VERSION = 3
HANDLING = (
    "max_passages",
    "split",
    "exclude_self",
    "language",
    "tokenizer",
)  # settings that change nothing in what is converted

log = logging.getLogger(__name__)


def prepare(source: Source, store: Store) -> Corpus:
    """The source's corpus, from the store where it is there; says which questions are passages of it.

    The conversion is named by the source and the names, sizes and times of its raw files, the cut by the conversion
    and `max_passages`. Raises LabradorError for missing or bad raw files.
    """
    folder = _raw_folder(source, store)

    def convert(into: Path) -> None:
        out = SchemaWriter(into, source.scored_by, source.positive, source.seed)
        source.convert(folder, out)
        out.finish()

    made_from = {
        "source": describe(source, leave_out=HANDLING),
        "raw": source.identity(folder),
        "schema": SCHEMA_VERSION,
    }
    whole = store.make("data", made_from, {}, convert, about=source.option)
    corpus = Corpus(whole.folder, source.handling)
    count = source.max_passages
    if count is None or count >= len(corpus.passages):
        return _told(corpus)

    def cut(into: Path) -> None:
        out = SchemaWriter(into, source.scored_by, source.positive, source.seed)
        write_subset(corpus, sample_rows(corpus, count), out)
        out.finish()

    config = {"max_passages": count}
    about = f"{source.option}, {count:,} passages"
    subset = store.make("subset", config, {"data": whole.key}, cut, version=SUBSET_VERSION, about=about)
    return _told(Corpus(subset.folder, source.handling))


def _told(corpus: Corpus) -> Corpus:
    """Say in one line what data.exclude_self does here, where it does something; returns the corpus."""
    own = {split: corpus.own(split) for split in corpus.splits}
    said = summary(corpus.same_ids, own)
    if said is not None:
        log.info("%s (data.exclude_self=%s)", said, str(corpus.handling.exclude_self).lower())
    return corpus


def _raw_folder(source: Source, store: Store) -> Path:
    """The folder of the raw files; published files are downloaded into the store where no path is given."""
    if source.path is not None:
        folder = Path(source.path).expanduser()
        if folder.is_file():
            raise LabradorError(
                f"data.path={source.path}: it is a file, a folder was expected; name the folder it is in"
            )
        if not folder.is_dir():
            raise LabradorError(f"data.path={source.path}: no such folder; name the folder of the raw files")
        return folder
    folder = store.root / "raw" / source.option
    if source.reads_folder and not source.downloads:
        raise LabradorError(
            f"data.path=null: data={source.option} needs the folder of the raw files; set data.path=DIR"
        )
    if source.downloads:
        if processes.is_main():
            fetch_all(source.downloads, folder)
        processes.barrier()
    return folder
