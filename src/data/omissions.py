"""What of a source's files has no part in its corpus, counted when it is converted and reported by every run."""

import logging
from typing import Any, Literal

log = logging.getLogger(__name__)

What = Literal["empty", "unreachable", "unknown questions", "without a positive", "unknown negatives", "unjudged"]
LINES: dict[What, str] = {
    "empty": "passages without any text, left out",
    "unreachable": "judgements of passages that the corpus lacks or that have no text, counted as not found",
    "unknown questions": "judged questions that the file of the questions lacks, left out",
    "without a positive": "questions without a positive that the corpus has, left out",
    "unknown negatives": "hard negatives that the corpus lacks, left out",
    "unjudged": "questions that no split judges, left out",
}

Counts = dict[str, dict[str, Any]]  # what was left out -> {"count": how many, "first": the id of the first one}


def count(counts: Counts, what: What, number: int, first: str) -> None:
    """Note that `number` (perhaps none) of a kind were left out."""
    if number:
        counts[what] = {"count": number, "first": first}


def report(left_out: dict[str, Counts]) -> None:
    """Log a line for each kind of thing that was left out of the passages or of a split."""
    for part, counts in left_out.items():
        for what, line in LINES.items():
            if what in counts:
                log.info("%s: %s: %s (the first: %s)", part, line, f"{counts[what]['count']:,}", counts[what]["first"])
