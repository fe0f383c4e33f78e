"""What a conversion leaves out of a source's files, counted then and reported by every run."""

import logging
from typing import Any, Literal

log = logging.getLogger(__name__)

What = Literal["empty", "unreachable", "unknown queries", "without a positive", "unknown negatives", "unjudged"]
LINES: dict[What, str] = {
    "empty": "passages without a text, left out",
    "unreachable": "judgements of passages that the corpus lacks or that have no text, counted as not found",
    "unknown queries": "judged queries that the file of the queries lacks, left out",
    "without a positive": "queries without a positive in the corpus, left out",
    "unknown negatives": "hard negatives that the corpus lacks, left out",
    "unjudged": "queries that no split judges, left out",
}

Counts = dict[str, dict[str, Any]]  # what was left out -> {"count": how many, "first": the id of the first one}


def count(counts: Counts, what: What, number: int, first: str) -> None:
    """Note that a `number` of a kind, possibly 0, were left out."""
    if number:
        counts[what] = {"count": number, "first": first}


def report(left_out: dict[str, Counts]) -> None:
    """Log one line for each kind of thing that was left out of the passages or of a split."""
    for part, counts in left_out.items():
        for what, line in LINES.items():
            if what in counts:
                log.info("%s: %s: %s (the first: %s)", part, line, f"{counts[what]['count']:,}", counts[what]["first"])
