"""A corpus whose train split is another than the data's: more questions, or other labels. Nothing is copied."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from .corpus import Corpus, Queries
from .exclude_self import NONE
from .schema import Positive

TRAIN = "train"


@dataclass(frozen=True)
class Labels:
    """Passages that are positives and negatives of each of Q train questions, and the key of what decided so.

    labelled [Q]: which questions were looked at; the others have no labels.
    """

    positives: Ragged
    negatives: Ragged
    labelled: NDArray[np.bool_]
    key: str


class Pooled(Corpus):
    """The train questions of a corpus and, after them, unlabelled ones; the judgements are the corpus's.

    More questions are written as the source writes its own. Those that the train split has, and those of the other
    splits, which a run is scored on, are left out, whatever their case and white space; `left_out` counts both.
    Without any more, it is the same train split by the same names.
    """

    def __init__(self, corpus: Corpus, more: Sequence[str] = ()) -> None:
        super().__init__(corpus.folder, corpus.handling)
        own = corpus.queries(TRAIN)
        unlabelled, self.left_out = self._more(corpus, more)
        qids = [*own.qids, *(f"unlabelled-{row}" for row in range(len(unlabelled)))]
        self._pool = Queries(qids, [*own.texts, *unlabelled], None)
        self._named = corpus.fingerprint(f"queries-{TRAIN}")
        if unlabelled:
            self._named = _digest(self._named, *(str(len(text)) for text in unlabelled), *unlabelled)

    @staticmethod
    def _more(corpus: Corpus, more: Sequence[str]) -> tuple[list[str], dict[str, int]]:
        """What remains of the questions `more`, each once, and how many are held out or known."""
        if not more:
            return [], {"held out": 0, "known": 0}
        held_out = {_same(text) for split in corpus.splits if split != TRAIN for text in corpus.queries(split).texts}
        known = {_same(text) for text in corpus.queries(TRAIN).texts}
        kept: dict[str, str] = {}
        leaking = 0
        for text in map(corpus.question, more):
            same = _same(text)
            if same in held_out:
                leaking += 1
            elif same and same not in known:
                kept.setdefault(same, text)
        return list(kept.values()), {"held out": leaking, "known": len(more) - leaking - len(kept)}

    def queries(self, split: str) -> Queries:
        return self._pool if split == TRAIN else super().queries(split)

    def fingerprint(self, part: str) -> str:
        return self._named if part == f"queries-{TRAIN}" else super().fingerprint(part)

    def own(self, split: str) -> NDArray[np.int64] | None:
        own = super().own(split)
        if own is None or split != TRAIN:
            return own
        return np.concatenate([own, np.full(len(self._pool) - len(own), NONE)])

    def _query_count(self, split: str) -> int:
        return len(self._pool) if split == TRAIN else super()._query_count(split)


class Relabelled(Pooled):
    """The labelled questions of a pool with the positives and hard negatives of `labels`.

    Judged positives count as positives, too, and come first, if `judged`; they are never negatives. Questions that were
    not labelled have no positives, so that nothing is learned from them. A teacher's labels have no best one among
    them: any positive is trained on, where nothing else is asked for.
    """

    def __init__(self, pool: Pooled, labels: Labels, *, judged: bool) -> None:
        super().__init__(pool)
        both = np.concatenate([_pairs(pool.positives(TRAIN)), _pairs(labels.positives)], axis=1)
        both = _firsts(both[:, labels.labelled[both[0]]])
        pairs = both if judged else _firsts(_pairs(labels.positives))
        self._qrels = pairs[0], pairs[1], np.ones(pairs.shape[1], dtype=np.int64)
        known = Ragged.from_pairs(both[0], both[1], len(labels.positives))
        self._spared[TRAIN] = self._never_negatives(TRAIN, known)
        self._negatives = labels.negatives.without(self._spared[TRAIN])
        self._labelled = _digest(labels.key, str(judged), pool.fingerprint(f"qrels-{TRAIN}"))

    @property
    def positive(self) -> Positive:
        return "any"

    def qrels(self, split: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        return self._qrels if split == TRAIN else super().qrels(split)

    def hard_negatives(self, split: str) -> Ragged | None:
        return self._negatives if split == TRAIN else super().hard_negatives(split)

    def fingerprint(self, part: str) -> str:
        return self._labelled if part in (f"qrels-{TRAIN}", f"negatives-{TRAIN}") else super().fingerprint(part)


def _pairs(lists: Ragged) -> NDArray[np.int64]:
    """[2, total]: the row of each entry, and the entry."""
    return np.stack([np.repeat(np.arange(len(lists)), lists.lengths), lists.values])


def _firsts(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs [2, P] by their first number, in their order, each pair once, where it came first."""
    places = np.sort(np.unique(pairs, axis=1, return_index=True)[1])
    kept = pairs[:, places]
    return kept[:, np.argsort(kept[0], kind="stable")]


def _same(text: str) -> str:
    """What questions have in common that differ in case and white space alone."""
    return " ".join(text.split()).casefold()


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
