"""data.exclude_self: queries that are passages themselves, as in ArguAna and Quora, where they share their ids.

A search for such a query finds its own text first, which says nothing about the search, so BEIR leaves out the passage
with the query's id. But numeric ids can coincide by accident (MS MARCO's queries and passages both count from 0), so
`data.exclude_self=auto` looks at the texts:

- a passage that is judged relevant to the query is a passage to be found, not the query;
- one with the query's text (`same_text`) is the query;
- one with another text is taken to be the query if at least half of all such passages have the query's text.
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
    """For each query of a split, [Q]: the passage with its id (NONE: none has it), whether that passage also has its
    text, and whether it is judged relevant to the query.
    """

    rows: NDArray[np.int64]
    same_text: NDArray[np.bool_]
    relevant: NDArray[np.bool_]


def own_passages(splits: Mapping[str, SameIds], choice: ExcludeSelf) -> dict[str, NDArray[np.int64]]:
    """The passage [Q] that each query itself is, by split; NONE: none.

    True: any passage with the query's id, also a relevant one, as BEIR does. False: none.
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
    """One line on what is left out of the rankings; None if no query has the id of a passage not relevant to it.

    own: the passages left out, by split (None: none).
    """
    queries = f"{sum(len(same.rows) for same in splits.values()):,} queries"
    found = [(splits[split], rows != NONE) for split, rows in own.items() if rows is not None]
    if found:
        relevant = sum(int((same.relevant & out).sum()) for same, out in found)
        judged = f"; {relevant:,} of these are judged relevant" if relevant else ""
        count = sum(int(out.sum()) for _, out in found)
        left_out = "are passages themselves, which are left out of their rankings and negatives"
        return f"{count:,} of {queries} {left_out}{judged}"
    alike = sum(int(((same.rows != NONE) & ~same.relevant).sum()) for same in splits.values())
    return f"{alike:,} of {queries} have the id of a passage, which stays in their rankings" if alike else None


def same_text(passage: tuple[str, str], query: str) -> bool:
    """Whether a passage (title, text) is the query: its title equals it, or its text holds it or is part of it and the
    shorter of the two is at least half of the longer. Only letters and digits are compared.
    """
    asked, (title, text) = _letters(query), map(_letters, passage)
    return bool(asked) and (asked == title or any(_alike(asked, whole) for whole in (text, title + text)))


def _alike(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return shorter in longer and 2 * len(shorter) >= len(longer)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
