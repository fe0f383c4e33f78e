"""The scores of a run over one split, and the files that it leaves with its result."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import LabradorError
from .answers import first_matches, score_answers
from .cost import Ranked
from .ranking import score_ranking
from .scores import METRICS, Scores

if TYPE_CHECKING:
    from ..data.corpus import Corpus

BLOCK = 64  # queries written at a time
SMALLEST = np.finfo(np.float32).tiny


def score_split(
    corpus: "Corpus", split: str, hits: Ranked, tag: str, folder: Path, *, metrics: tuple[str, ...] = METRICS
) -> Scores:
    """Score `hits` (row i: the i-th query of `split`) and write the scores into `folder`.

    metrics.json is {"metrics": {name: mean or null}, "queries": number of counted queries}; per_query.parquet has a
    row per query; run.trec is the ranking, tagged `tag`.
    """
    queries, passages = corpus.queries(split), corpus.passages
    if corpus.scored_by == "answers":
        if queries.answers is None:
            raise ValueError(f"split {split} is scored by answers, and its queries have none")
        ranks = first_matches(hits.ids, queries.answers, lambda rows: [text for _, text in passages.read(rows)])
        scores = score_answers(ranks, depth=hits.ids.shape[1], passages=len(passages), metrics=metrics)
    else:
        scores = score_ranking(hits.ids, corpus.judgements(split), passages=len(passages), metrics=metrics)
    result = {"metrics": scores.means, "queries": scores.counted}
    (folder / "metrics.json").write_text(json.dumps(result, indent=1, allow_nan=False), encoding="utf-8")
    write_per_query(folder / "per_query.parquet", queries.qids, scores.per_query)
    write_trec(folder / "run.trec", queries.qids, passages.pids, hits.ids, hits.scores, tag)
    return scores


def write_trec(
    path: Path,
    qids: Sequence[str],
    pids: Callable[[NDArray[np.int64]], Sequence[str]],
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    tag: str,
) -> None:
    """Write the run as lines `qid Q0 pid rank score tag`, query by query, rank from 1.

    ids int64 [Q, k] are passages, best first, -1 = none (skipped); scores float32 [Q, k]; pids: passages to their ids.
    Scores are written strictly falling (`strictly_falling`), so that any reader gets our ranking.

    Raises LabradorError for an id or tag with white space, which the format cannot hold, ValueError for NaN and
    infinite scores.
    """
    _check_words([tag], "tag")
    _check_words(qids, "query id")
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(ids), BLOCK):
            block = ids[start : start + BLOCK]
            found = block >= 0
            if not np.isfinite(scores[start : start + BLOCK][found]).all():
                raise ValueError("a score is NaN or infinite")
            falling = strictly_falling(np.where(found, scores[start : start + BLOCK], np.inf))[found].tolist()
            names = pids(block[found])
            _check_words(names, "passage id")
            query_of, _ = np.nonzero(found)
            ranks = np.cumsum(found, axis=1)[found].tolist()
            rows = zip(query_of.tolist(), names, ranks, falling, strict=True)
            file.writelines(f"{qids[start + q]} Q0 {pid} {rank} {score:.9g} {tag}\n" for q, pid, rank, score in rows)


def strictly_falling(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores float32 [Q, k] in rank order, lowered where necessary so that each is below the one before it.

    trec_eval reads scores as float32, sorts by them and breaks ties by passage id: equal scores would lose our order.
    A tie is lowered to the next float32, and near 0 by the smallest normal one (denormal numbers may be read as 0).
    `inf` marks an empty place and never lowers what follows it by more than that.
    """
    falling = np.array(scores, dtype=np.float32)
    for rank in range(1, falling.shape[1]):
        before = falling[:, rank - 1]
        below = np.minimum(np.nextafter(before, np.float32(-np.inf)), before - SMALLEST)
        falling[:, rank] = np.minimum(falling[:, rank], below)
    return falling


def write_per_query(path: Path, qids: Sequence[str], per_query: Mapping[str, NDArray[np.float64]]) -> None:
    """Write Parquet with a row per query, the columns `qid` and one per metric; NaN (not counted) becomes null."""
    columns = {"qid": pa.array(qids, pa.string())}
    columns |= {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in per_query.items()}
    pq.write_table(pa.table(columns), path)


def _check_words(names: Sequence[str], what: str) -> None:
    for name in names:
        if name.split() != [name]:
            raise LabradorError(
                f"{what} {name!r}: a run file needs ids of one word; replace the white space in the corpus's ids"
            )
