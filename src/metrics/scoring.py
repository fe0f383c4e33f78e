"""The scores of a run over one split: by judgements or by answer match, written into a folder."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .answers import first_matches, score_answers
from .cost import Ranked
from .ranking import score_ranking
from .run_file import write_per_query, write_trec
from .scores import METRICS, Scores

if TYPE_CHECKING:
    from ..data.corpus import Corpus


def score_split(
    corpus: "Corpus", split: str, hits: Ranked, tag: str, folder: Path, *, metrics: tuple[str, ...] = METRICS
) -> Scores:
    """Score `hits` (row i: the i-th query of `split`) and write the scores into `folder`.

    metrics.json is {"metrics": {name: mean or null}, "queries": number of counted questions}; per_query.parquet has a
    row per question; run.trec is the ranking, tagged `tag`.
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
