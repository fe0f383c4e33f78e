"""DPR's answer match: the rank of the first passage whose text contains one of a question's answers.

DPR (Karpukhin et al. 2020, section 5) counts a passage as a hit when the tokens of an answer occur in it, in order and
next to each other. Text and answers are decomposed (NFD), split into runs of letters, numbers and marks and into single
other characters, and lower-cased token by token. The passage's title does not count.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from .scores import METRICS, Scores, cutoff, summarize, within

FIRST_READ = 8  # passages read at once for a question; each further read is FACTOR times as long
FACTOR = 4


@cache
def _token_pattern() -> Any:
    """A run of letters, numbers and marks, or one character that is neither a separator nor a control character."""
    import regex

    return regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


def tokenize(text: str) -> list[str]:
    """The lower-cased tokens of a text."""
    return [token.lower() for token in _token_pattern().findall(normalize("NFD", text))]


class AnswerMatcher:
    """Whether a text contains one of the answers; an answer without a token (empty, blank) matches nothing."""

    def __init__(self, answers: Sequence[str]) -> None:
        tokens = [found for found in map(tokenize, answers) if found]
        self._phrases = {f" {' '.join(found)} ": max(found, key=len).casefold() for found in tokens}

    def __call__(self, text: str) -> bool:
        """Whether `text` contains an answer.

        Tokenizing is slow, so it waits until the longest token of an answer is found as a plain substring; case folding
        makes that test independent of neighbouring letters, which lower-casing a final sigma is not.
        """
        folded = normalize("NFD", text).casefold()
        phrases = [phrase for phrase, longest in self._phrases.items() if longest in folded]
        if not phrases:
            return False
        joined = f" {' '.join(tokenize(text))} "  # tokens hold no space: a phrase is found at token borders only
        return any(phrase in joined for phrase in phrases)


def first_matches(
    ids: NDArray[np.int64],
    answers: Sequence[Sequence[str]],
    texts: Callable[[NDArray[np.int64]], Sequence[str]],
) -> NDArray[np.int64]:
    """The rank (from 1) of the first passage that answers each question, int64 [Q]; 0 where none does.

    ids int64 [Q, k] are ranked passages, -1 = no passage; answers: Q lists; texts: passages to their texts. Passages
    are read best first, in short blocks, up to the first match of a question.
    """
    if len(ids) != len(answers):
        raise ValueError(f"{len(ids)} rankings for the answers of {len(answers)} questions")
    return np.array([_first(row, AnswerMatcher(a), texts) for row, a in zip(ids, answers, strict=True)], dtype=np.int64)


def _first(row: NDArray[np.int64], matches: AnswerMatcher, texts: Callable[[NDArray[np.int64]], Sequence[str]]) -> int:
    ranks = np.flatnonzero(row >= 0)
    for start, stop in _reads(len(ranks)):
        block = ranks[start:stop]
        for place, text in enumerate(texts(row[block])):
            if matches(text):
                return int(block[place]) + 1
    return 0


def _reads(depth: int) -> Iterator[tuple[int, int]]:
    start, size = 0, FIRST_READ
    while start < depth:
        yield start, min(start + size, depth)
        start, size = start + size, size * FACTOR


def score_answers(ranks: NDArray[np.int64], *, depth: int, passages: int, metrics: tuple[str, ...] = METRICS) -> Scores:
    """Scores from the first matches int64 [Q] of a run `depth` ranks deep over `passages` passages.

    R@k, here the same as Success@k, is the share of questions with a hit in their top k (DPR's top-k accuracy), MRR@k
    the mean of 1 / rank of the first hit, 0 beyond k; nDCG is undefined, None. Every question counts, also one without
    a usable answer.
    """
    reciprocal = np.divide(1.0, ranks, out=np.zeros(len(ranks)), where=ranks > 0)
    per_query = {}
    for name in within(metrics, depth, passages):
        hit = (ranks > 0) & (ranks <= cutoff(name))
        if name.startswith("MRR@"):
            per_query[name] = np.where(hit, reciprocal, 0.0)
        elif name.startswith(("R@", "Success@")):
            per_query[name] = hit.astype(np.float64)
    return summarize(per_query, metrics, np.ones(len(ranks), dtype=bool))
