"""Scores of a run against relevance judgements, by ir-measures (trec_eval and the MS MARCO script underneath)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scores import METRICS, Scores, summarize, within

if TYPE_CHECKING:
    from ir_measures import Measure

BLOCK = 500  # queries scored at a time: 500 x 1000 hits are about 100 MB of Python objects


class Qrels(NamedTuple):
    """Judgements as three int arrays [J]: query, passage, grade (relevant from 1 on)."""

    queries: NDArray[np.integer]
    passages: NDArray[np.integer]
    grades: NDArray[np.integer]


def score_ranking(
    ids: NDArray[np.int64],
    qrels: tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]],
    *,
    passages: int,
    metrics: tuple[str, ...] = METRICS,
) -> Scores:
    """Score the ranked passages `ids` int64 [Q, k], best first, -1 = no passage, out of `passages` passages.

    The order of `ids` is the ranking: trec_eval gets it with scores that fall by rank, since it sorts by score and
    breaks ties by passage id. As in trec_eval, a query with a judgement counts whether or not anything was found for it
    (0 if not, and 0 if all its grades are 0); a query without any judgement is not counted. MRR, R and Success take
    grades >= 1 as relevant, nDCG uses the grade as its gain.

    R@k is recall, the share of a query's relevant passages in its top k; Success@k is 1 where one of them is there.

    Raises ValueError when a passage is ranked twice for a query, or a judgement names a query outside [0, Q).
    """
    judged = Qrels(*qrels)
    if len(judged.queries) and (judged.queries.min() < 0 or judged.queries.max() >= len(ids)):
        raise ValueError(f"judgements of queries {judged.queries.min()}..{judged.queries.max()}, run of {len(ids)}")
    _check_distinct(ids)
    measures = {_measure(name): name for name in within(metrics, ids.shape[1], passages)}
    per_query = {name: np.zeros(len(ids)) for name in measures.values()}
    for run, block in _blocks(ids, judged):
        for result in _evaluate(measures, block, run):
            per_query[measures[result.measure]][int(result.query_id)] = result.value
    counted = np.zeros(len(ids), dtype=bool)
    counted[judged.queries] = True
    return summarize(per_query, metrics, counted)


def _measure(name: str) -> "Measure":
    """MRR@10 as ir-measures' RR@10; R@k, Success@k and nDCG@k have the same names there."""
    import ir_measures

    kind, _, cutoff = name.partition("@")
    families = {"MRR": ir_measures.RR, "R": ir_measures.R, "Success": ir_measures.Success, "nDCG": ir_measures.nDCG}
    return families[kind] @ int(cutoff)


def _evaluate(
    measures: dict["Measure", str], qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> Any:
    import ir_measures

    return ir_measures.evaluator(list(measures), qrels).iter_calc(run) if measures and qrels else ()


def _check_distinct(ids: NDArray[np.int64]) -> None:
    for start in range(0, len(ids), BLOCK):
        ranked = np.sort(ids[start : start + BLOCK], axis=1)
        twice = ((ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] >= 0)).any(axis=1)
        if twice.any():
            raise ValueError(f"query {start + int(twice.argmax())}: a passage is ranked twice")


def _blocks(ids: NDArray[np.int64], qrels: Qrels) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(run, qrels) of BLOCK queries at a time, as ir-measures reads them: numbers as decimal strings."""
    order = np.argsort(qrels.queries, kind="stable")
    queries, judged, grades = (np.asarray(column)[order] for column in qrels)
    falling = np.arange(ids.shape[1], 0, -1, dtype=np.float64).tolist()  # exact in float32 down to rank 2^24
    for start in range(0, len(ids), BLOCK):
        first, last = np.searchsorted(queries, [start, start + BLOCK])
        block: dict[str, dict[str, int]] = {}
        for query, passage, grade in zip(*(c[first:last].tolist() for c in (queries, judged, grades)), strict=True):
            block.setdefault(str(query), {})[str(passage)] = grade
        run = {
            query: {str(row): score for row, score in zip(ids[int(query)].tolist(), falling, strict=True) if row >= 0}
            for query in block
        }
        yield run, block
