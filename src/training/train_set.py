"""What trains: queries and, for each, the passages that are its positives and its hard negatives. Imports no torch.

`TrainSet.of(corpus)` is the data's own, `pooled` adds unlabelled queries, `labelled` takes a teacher's labels. The
corpus stays as it is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..data.corpus import Corpus
from ..data.exclude_self import NONE
from ..data.schema import Fingerprint, Positive
from .frozen import FrozenPassages

Rows = NDArray[np.int64]
TRAIN = "train"


@dataclass(frozen=True)
class QuerySet:
    """The queries of a split, as encoders read them and searches take them.

    key: of the texts [Q]; own int64 [Q]: the passage that each query is itself (-1: none), which its rankings leave
    out; None: no query is a passage.
    """

    split: str
    texts: Sequence[str]
    key: str
    own: Rows | None

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(cls, corpus: Corpus, split: str) -> "QuerySet":
        """The queries of a split of the corpus. Raises LabradorError for a split that it does not have."""
        return cls(split, corpus.queries(split).texts, corpus.fingerprint(f"queries-{split}"), corpus.own(split))

    def and_unlabelled(self, corpus: Corpus, texts: Sequence[str]) -> tuple["QuerySet", dict[str, int]]:
        """These queries followed by unlabelled ones, each once and written as the source writes its own.

        Leaves out those that are among these queries ("known") or, since a run is scored on them, in another split
        ("held out"), ignoring case and white space; returns the counts of both, too.
        """
        others = [split for split in corpus.splits if split != self.split]
        held_out = {_same(text) for split in others for text in corpus.queries(split).texts}
        known = {_same(text) for text in self.texts}
        more: dict[str, str] = {}
        leaking = 0
        for text in map(corpus.question, texts):
            same = _same(text)
            if same in held_out:
                leaking += 1
            elif same and same not in known:
                more.setdefault(same, text)
        left_out = {"held out": leaking, "known": len(texts) - leaking - len(more)}
        if not more:
            return self, left_out
        key = _digest(self.key, *(str(len(text)) for text in more.values()), *more.values())
        own = None if self.own is None else np.concatenate([self.own, np.full(len(more), NONE)])
        return QuerySet(self.split, [*self.texts, *more.values()], key, own), left_out


@dataclass(frozen=True)
class Candidates:
    """Passages of each query, best first, none of them spared; the key of the artifact that holds them."""

    lists: Ragged
    key: str


@dataclass(frozen=True)
class Labels:
    """Passages that are positives and negatives of each of Q queries, and the key of what decided so.

    labelled [Q]: which queries the teacher looked at; the others have no labels.
    """

    positives: Ragged
    negatives: Ragged
    labelled: NDArray[np.bool_]
    key: str


@dataclass(frozen=True)
class TrainSet:
    """Q queries and, for each, what a training needs to know.

    positives: passages, best first if `positive` is "first"; spared: passages that are never negatives, ascending, the
    positives among them; negatives: hard negatives that come with the labels, if any; key: of positives and spared;
    positive: which positive to train on unless the sampler says; candidates: found by a checkpoint, for samplers that
    draw from those; frozen: passages to train against without encoding them.
    """

    queries: QuerySet
    positives: Ragged
    spared: Ragged
    negatives: Candidates | None
    key: str
    positive: Positive = "any"
    candidates: Candidates | None = None
    frozen: FrozenPassages | None = None

    @classmethod
    def of(cls, corpus: Corpus, split: str = TRAIN) -> "TrainSet":
        """The judged queries of a split, and the source's hard negatives where it brings any."""
        negatives = corpus.hard_negatives(split)
        return cls(
            queries=QuerySet.of(corpus, split),
            positives=corpus.positives(split),
            spared=corpus.spared(split),
            negatives=None if negatives is None else Candidates(negatives, corpus.fingerprint(f"negatives-{split}")),
            key=_digest(corpus.fingerprint(f"qrels-{split}"), corpus.fingerprint(f"spared-{split}")),
            positive=corpus.positive,
        )

    def pooled(self, queries: QuerySet) -> "TrainSet":
        """This train set with more queries after its own, without positives."""

        def longer(lists: Ragged) -> Ragged:
            return lists.spread(np.arange(len(lists)), len(queries))

        negatives = self.negatives and replace(self.negatives, lists=longer(self.negatives.lists))
        positives, spared = longer(self.positives), longer(self.spared)
        return replace(self, queries=queries, positives=positives, spared=spared, negatives=negatives)

    def labelled(self, labels: Labels, corpus: Corpus, *, judged: bool) -> "TrainSet":
        """This set's queries with the positives and hard negatives of `labels`; with `judged`, its own positives come
        first.

        A positive of either kind is never a negative. Queries that were not labelled have no positives, so nothing is
        learned from them. Labels have no order: any positive is trained on.
        """
        looked_at = np.flatnonzero(labels.labelled)
        own = self.positives.take(looked_at).spread(looked_at, len(self.queries))
        known = _joined(own, labels.positives.without(own))
        spared = corpus.never_negatives(known, self.queries.own)
        kept = _hash(spared)
        return replace(
            self,
            positives=known if judged else labels.positives,
            spared=spared,
            negatives=Candidates(labels.negatives.without(spared), _digest(labels.key, "negatives", kept)),
            key=_digest(labels.key, str(judged), self.key, kept),
            positive="any",
        )

    def mined(self, candidates: Candidates) -> "TrainSet":
        """This train set with what a checkpoint found, for samplers that draw from it."""
        return replace(self, candidates=candidates)

    def against(self, frozen: FrozenPassages) -> "TrainSet":
        """This train set with passages that stay as they are."""
        return replace(self, frozen=frozen)

    def judged(self, limit: int | None, seed: int) -> Rows:
        """The queries that have a positive, rising; at most `limit` of them, drawn with the seed."""
        rows = np.flatnonzero(self.positives.lengths)
        if limit is None or len(rows) <= limit:
            return rows
        return np.sort(np.random.default_rng(seed).choice(rows, size=limit, replace=False))


def _joined(first: Ragged, second: Ragged) -> Ragged:
    """Each list of `first` followed by the same one of `second`."""
    rows = [np.repeat(np.arange(len(lists)), lists.lengths) for lists in (first, second)]
    return Ragged.from_pairs(np.concatenate(rows), np.concatenate([first.values, second.values]), len(first))


def _same(text: str) -> str:
    """The text without differences of case and white space."""
    return " ".join(text.split()).casefold()


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _hash(lists: Ragged) -> str:
    digest = Fingerprint()
    for array in (lists.values, lists.offsets):
        digest.add_array(array)
    return digest.hexdigest()
