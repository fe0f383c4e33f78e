"""Scoring a split into files, by judgements and by answers."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from labrador.metrics.cost import Ranking
from labrador.metrics.run_files import score_split

TEXTS = [("Oslo", "a city in Norway"), ("Norway", "its capital is Oslo"), ("", "fjords")]


class Passages:
    def __len__(self):
        return len(TEXTS)

    def pids(self, rows):
        return [f"p{row}" for row in rows]

    def read(self, rows):
        return [TEXTS[row] for row in rows]


def corpus(scored_by, answers):
    queries = SimpleNamespace(qids=["a", "b"], answers=answers)
    qrels = (np.array([0]), np.array([2]), np.array([1]))
    return SimpleNamespace(
        scored_by=scored_by, passages=Passages(), queries=lambda split: queries, judgements=lambda split: qrels
    )


HITS = Ranking(np.array([[0, 2, 1], [0, 1, 2]]), np.array([[3, 2, 1], [1, 1, 1]], dtype=np.float32))


def test_by_judgements(tmp_path):
    score_split(corpus("qrels", None), "test", HITS, "dpr-flat", tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["queries"] == 1
    assert written["metrics"]["MRR@10"] == 0.5
    assert written["metrics"]["R@1000"] == 1
    assert pq.read_table(tmp_path / "per_query.parquet")["MRR@10"].to_pylist() == [0.5, None]
    first = (tmp_path / "run.trec").read_text().splitlines()[0]
    assert first == "a Q0 p0 1 3 dpr-flat"


def test_by_answers_in_the_text_not_in_the_title(tmp_path):
    score_split(corpus("answers", [["Oslo"], ["Bergen"]]), "test", HITS, "dpr-flat", tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["queries"] == 2
    assert written["metrics"]["MRR@10"] == pytest.approx((1 / 3 + 0) / 2)
    assert written["metrics"]["R@1"] == 0
    assert written["metrics"]["R@5"] == 0.5
    assert written["metrics"]["nDCG@10"] is None


def test_answers_must_be_there(tmp_path):
    with pytest.raises(ValueError, match="have none"):
        score_split(corpus("answers", None), "test", HITS, "t", tmp_path)
