"""BM25: the language of the passages, the index of their terms, and hard negatives mined with it."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..data.languages import AUTO, detect
from ..indexes.terms import Analyzer
from ..store import Artifact
from ..training.train_set import Candidates, TrainSet
from . import artifacts
from .bench import Bench
from .tokens import TEXTS_PER_BATCH

LANGUAGE = "language.json"


def index(bench: Bench) -> Artifact:
    """The BM25 index of the passages, by the terms of their language."""
    analyzer = Analyzer(language(bench), bench.corpus.handling.tokenizer)

    def write(folder: Path) -> None:
        from ..indexes.bm25 import build_bm25

        passages = bench.corpus.passages
        build_bm25(passages.batches(TEXTS_PER_BATCH), folder, len(passages), analyzer)

    return bench.make(artifacts.bm25(bench, analyzer), write)


def language(bench: Bench) -> str:
    """The language of the passages: `data.language` or, for auto, detected; logs what it means for their terms."""
    chosen, why = bench.corpus.handling.language, "data.language"
    if chosen == AUTO:
        found = _detected(bench)
        chosen = found["language"]
        why = ", ".join(f"{name} {share} %" for name, share in found["shares"].items()) or "no text"
    bench.ledger.say(f"BM25: language {chosen} ({why}): {Analyzer(chosen).means()}")
    return chosen


def _detected(bench: Bench) -> dict[str, Any]:
    """The language of most passages, and the shares of all languages found."""

    def write(folder: Path) -> None:
        found = detect(f"{title}\n{text}" for title, text in bench.corpus.sample())
        (folder / LANGUAGE).write_text(json.dumps(asdict(found)), encoding="utf-8")

    artifact = bench.make(artifacts.language(bench), write)
    found: dict[str, Any] = json.loads((artifact.folder / LANGUAGE).read_text(encoding="utf-8"))
    return found


def negatives(bench: Bench, train_set: TrainSet, depth: int) -> Candidates:
    """The train set's own hard negatives or, if it has none, the top `depth` passages of each query by BM25, without
    the spared ones.
    """
    if train_set.negatives is not None:
        return train_set.negatives
    built = index(bench)

    def write(folder: Path) -> None:
        from ..indexes.bm25 import BM25Index, mine

        mine(BM25Index(built.folder), train_set.queries.texts, train_set.spared, depth).save(folder)

    artifact = bench.make(artifacts.negatives(train_set, depth, built.key), write)
    lists = Ragged.load(artifact.folder)
    which = f"{train_set.queries.split} queries"
    warn_of_nothing(bench, lists.lengths > 0, which, "no negatives", "no passage but their positives")
    return Candidates(lists, artifact.key)


def warn_of_nothing(
    bench: Bench, found: NDArray[np.bool_], which: str, what: str = "nothing", none: str = "no passage"
) -> None:
    """Log a warning if most queries share no term with any passage: `found` [Q] says which do.

    what, none: what is not found, and which passages share no term.
    """
    if 2 * np.count_nonzero(found) < len(found):
        bench.ledger.say(
            f"BM25 finds {what} for {np.count_nonzero(~found):,} of {len(found):,} {which}: {none} shares a term "
            "with them; check data.language, data.tokenizer, and that queries and passages are in one language",
            logging.WARNING,
        )
