"""data.max_passages: a corpus cut to N passages, for a quick look at a large one."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .corpus import Corpus
from .judgements import Judgement
from .passages import Passage
from .schema import BATCH_ROWS, PASSAGES_FILE, split_file
from .writer import Query, SchemaWriter


def sample_rows(corpus: Corpus, count: int) -> NDArray[np.int64]:
    """The rows of `count` passages, ascending: the judged ones of every split and grade, then the first of the others.

    Passages are sorted by a seeded hash of their ids, so a larger count keeps all that a smaller one keeps.
    Raises LabradorError if more are judged.
    """
    is_judged = np.zeros(len(corpus.passages), dtype=bool)
    for split in corpus.splits:
        is_judged[corpus.qrels(split)[1]] = True
    judged = int(is_judged.sum())
    if judged > count:
        raise LabradorError(
            f"data.max_passages={count}: expected at least {judged}, the number of judged passages, all of which are "
            f"kept; set data.max_passages={judged} or more"
        )
    others = np.flatnonzero(~is_judged)[: count - judged]
    return np.sort(np.concatenate([np.flatnonzero(is_judged), others]))


def write_subset(corpus: Corpus, rows: NDArray[np.int64], out: SchemaWriter) -> None:
    """Write `corpus` with only the passages `rows` (ascending); hard negatives among the others are dropped."""
    kept = np.zeros(len(corpus.passages), dtype=bool)
    kept[rows] = True
    out.passages(corpus.folder / PASSAGES_FILE, _passages(corpus, rows), corpus.source_rows()[rows])
    for split in corpus.splits:
        qids = corpus.queries(split).qids
        qrels = np.stack(corpus.qrels(split))
        judgements = out.judgements(split_file(corpus.folder, "qrels", split), _judgements(corpus, qids, qrels))
        judgements.extend(_unreachable(corpus, qids, split))
        listed, negatives = corpus.listed_negatives(split), None
        if listed is not None:
            of_query = np.repeat(np.arange(len(listed)), listed.lengths)
            pairs = np.stack([of_query, listed.values, np.zeros_like(of_query)])[:, kept[listed.values]]
            path = split_file(corpus.folder, "negatives", split)
            negatives = out.judgements(path, _judgements(corpus, qids, pairs))
        out.split(split, split_file(corpus.folder, "queries", split), _queries(corpus, split), judgements, negatives)
    out.omit_as(corpus.meta["left_out"])


def _unreachable(corpus: Corpus, qids: list[str], split: str) -> Iterator[Judgement]:
    """The judgements of passages that the corpus lacks, under ids that none of its passages has."""
    for row, number, grade in zip(*(column.tolist() for column in corpus.judgements(split)), strict=True):
        if number < 0:
            yield Judgement(0, qids[row], f"not there {-number}", grade)


def _passages(corpus: Corpus, rows: NDArray[np.int64]) -> Iterator[Passage]:
    for start in range(0, len(rows), BATCH_ROWS):
        some = rows[start : start + BATCH_ROWS]
        pids, texts = corpus.passages.pids(some), corpus.passages.read(some)
        for row, pid, (title, text) in zip(some.tolist(), pids, texts, strict=True):
            yield Passage(row, pid, title, text)


def _queries(corpus: Corpus, split: str) -> Iterator[Query]:
    queries = corpus.queries(split)
    answers: Sequence[list[str] | None] = queries.answers or [None] * len(queries)
    for row, (qid, text, its_answers) in enumerate(zip(queries.qids, queries.texts, answers, strict=True)):
        yield Query(row, qid, text, its_answers)


def _judgements(corpus: Corpus, qids: list[str], columns: NDArray[np.int64]) -> Iterator[Judgement]:
    """Query rows, passage rows and grades [3, J] as judgements."""
    for start in range(0, columns.shape[1], BATCH_ROWS):
        query_rows, passage_rows, grades = columns[:, start : start + BATCH_ROWS]
        judged = zip(query_rows.tolist(), corpus.passages.pids(passage_rows), grades.tolist(), strict=True)
        for line, (row, pid, grade) in enumerate(judged, start):
            yield Judgement(line, qids[row], pid, grade)
