"""Questions that are passages themselves, as ArguAna's and Quora's are: the question's id is a passage's id.

A search for such a question finds its own text first, which says nothing about the search, so BEIR leaves the passage
with the question's id out. Ids that are numbers can coincide by accident, too (MS MARCO's questions and passages both
count from 0), so `data.exclude_self=auto` looks at the texts:

- a passage that is judged relevant to the question is a passage to be found, not the question;
- one whose text is the question's (`same_text`) is the question;
- one with another text is taken to be the question where at least half of the data's such passages are.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ExcludeSelf = Literal["auto", True, False]
NONE = -1


@dataclass(frozen=True)
class SameIds:
    """Of each question of a split, all [Q]: the passage that has its id (NONE: there is none), whether that has the
    question's text, and whether it is judged relevant to the question.
    """

    rows: NDArray[np.int64]
    same_text: NDArray[np.bool_]
    relevant: NDArray[np.bool_]


def own_passages(splits: Mapping[str, SameIds], choice: ExcludeSelf) -> dict[str, NDArray[np.int64]]:
    """The passage [Q] of each question, by split, that is the question itself; NONE where there is none.

    True: any passage with the question's id, also one that is judged relevant, as BEIR does. False: none.
    """
    if choice is True:
        return {split: same.rows for split, same in splits.items()}
    unjudged = {split: (same.rows != NONE) & ~same.relevant for split, same in splits.items()}
    held = sum(int((unjudged[split] & same.same_text).sum()) for split, same in splits.items())
    most = 2 * held >= sum(int(found.sum()) for found in unjudged.values())
    own = {}
    for split, same in splits.items():
        itself = unjudged[split] & (same.same_text | most) & (choice == "auto")
        own[split] = np.where(itself, same.rows, NONE)
    return own


def summary(splits: Mapping[str, SameIds], own: Mapping[str, NDArray[np.int64] | None]) -> str | None:
    """What is left out of the rankings of all splits, in words; None where no question has the id of a passage that is
    not relevant to it. `own` are the passages left out (None: none).
    """
    questions = f"{sum(len(same.rows) for same in splits.values()):,} questions"
    found = [(splits[split], rows != NONE) for split, rows in own.items() if rows is not None]
    if found:
        relevant = sum(int((same.relevant & out).sum()) for same, out in found)
        judged = f"; {relevant:,} of these are judged relevant" if relevant else ""
        count = sum(int(out.sum()) for _, out in found)
        left_out = "are passages themselves, which are left out of their rankings and negatives"
        return f"{count:,} of {questions} {left_out}{judged}"
    alike = sum(int(((same.rows != NONE) & ~same.relevant).sum()) for same in splits.values())
    return f"{alike:,} of {questions} have the id of a passage, which stays in their rankings" if alike else None


def same_text(passage: tuple[str, str], question: str) -> bool:
    """Whether a passage (title, text) is the question: its title is, or its text holds the question, or stands in it,
    and the shorter is half of the longer or more. Letters and digits alone are compared.
    """
    asked, (title, text) = _letters(question), map(_letters, passage)
    return bool(asked) and (asked == title or any(_alike(asked, whole) for whole in (text, title + text)))


def _alike(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return shorter in longer and 2 * len(shorter) >= len(longer)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
