"""data.max_passages: a corpus cut to N passages, for a quick look at a large set."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .corpus import Corpus
from .judgements import Judgement
from .passages import Passage
from .schema import BATCH_ROWS, negatives_file, passages_file, qrels_file, queries_file
from .writer import Query, SchemaWriter


def sample_rows(corpus: Corpus, count: int) -> NDArray[np.int64]:
    """The rows of `count` passages, ascending: all judged ones (of every split, whatever the grade) and the first of
    the others, whose order is that of a seeded hash of their ids.

    So a larger count keeps what a smaller one kept. Raises LabradorError where more are judged.
    """
    is_judged = np.zeros(len(corpus.passages), dtype=bool)
    for split in corpus.splits:
        is_judged[corpus.qrels(split)[1]] = True
    judged = int(is_judged.sum())
    if judged > count:
        raise LabradorError(
            f"data.max_passages={count}: the corpus has {judged:,} judged passages and all are kept; "
            f"set data.max_passages={judged} or more"
        )
    others = np.flatnonzero(~is_judged)[: count - judged]
    return np.sort(np.concatenate([np.flatnonzero(is_judged), others]))


def write_subset(corpus: Corpus, rows: NDArray[np.int64], out: SchemaWriter) -> None:
    """Write `corpus` with the passages of `rows` (ascending) alone; hard negatives among the others are dropped."""
    kept = np.zeros(len(corpus.passages), dtype=bool)
    kept[rows] = True
    out.passages(passages_file(corpus.folder), _passages(corpus, rows), corpus.source_rows()[rows])
    for split in corpus.splits:
        path = queries_file(corpus.folder, split)
        qids = corpus.queries(split).qids
        query_rows, passage_rows, grades = corpus.qrels(split)
        judgements = out.judgements(
            qrels_file(corpus.folder, split), _judgements(corpus, qids, query_rows, passage_rows, grades)
        )
        hard = corpus.listed_negatives(split)
        negatives = None
        if hard is not None:
            of_query = np.repeat(np.arange(len(hard)), hard.lengths)
            stays = kept[hard.values]
            pairs = of_query[stays], hard.values[stays]
            negatives = out.judgements(
                negatives_file(corpus.folder, split), _judgements(corpus, qids, *pairs, np.zeros_like(pairs[0]))
            )
        judgements.extend(_unreachable(corpus, qids, split))
        out.split(split, path, _queries(corpus, split), judgements, negatives)
    out.left_out = corpus.meta["left_out"]


def _unreachable(corpus: Corpus, qids: list[str], split: str) -> Iterator[Judgement]:
    """The judgements of passages that the corpus does not have, by ids that none of its passages has."""
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


def _judgements(
    corpus: Corpus,
    qids: list[str],
    query_rows: NDArray[np.int64],
    passage_rows: NDArray[np.int64],
    grades: NDArray[np.int64],
) -> Iterator[Judgement]:
    for start in range(0, len(query_rows), BATCH_ROWS):
        some = slice(start, start + BATCH_ROWS)
        pids = corpus.passages.pids(passage_rows[some])
        for at, (row, pid, grade) in enumerate(
            zip(query_rows[some].tolist(), pids, grades[some].tolist(), strict=True)
        ):
            yield Judgement(start + at, qids[row], pid, grade)
