"""What of a source has no part in its corpus: left out, counted, and what counts as not found."""

import numpy as np
import pytest
from conversions import ASKED, TWO, convert, small_beir, written
from layouts import write_layout

from labrador.errors import LabradorError
from labrador.metrics.ranking import score_ranking


def test_what_no_passage_answers_is_left_out_of_train(tmp_path, caplog):
    folder = write_layout("beir", tmp_path / "raw", 24)
    path = folder / "qrels" / "train.tsv"
    judgements = path.read_text().replace("q1\tp1\t1", "q1\tp1\t0").replace("q2\tp2\t1", "q2\tp99\t1")
    path.write_text(judgements + "q3\tp98\t1\n")
    with caplog.at_level("INFO"):
        corpus = convert("beir", folder, tmp_path)
    assert corpus.queries("train").qids[:3] == ["q0", "q3", "q8"]
    line = "train: queries without a positive in the corpus, left out: 2 (the first: q1)"
    assert line in caplog.messages
    assert (
        "train: judgements of passages that the corpus lacks or that have no text, counted as not found: 1 (the first: "
        "p98)"
    ) in caplog.messages
    assert [corpus.passages.pids(row) for row in corpus.positives("train")][:3] == [["p0"], ["p3"], ["p8"]]
    caplog.clear()
    with caplog.at_level("INFO"):
        convert("beir", folder, tmp_path)
    assert line in caplog.messages  # of a run that finds it in the store, too


def test_train_judgements_that_are_all_zero_are_no_train_split(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "train.tsv").write_text("q0\tp0\t0\nq1\tp1\t0\n")
    assert convert("beir", folder, tmp_path).splits == ("dev", "test")


def test_judgements_of_what_is_not_there_count_as_not_found(tmp_path, caplog):
    more = [{"_id": "blank", "title": " ", "text": ""}, {"_id": "blank2"} | {"text": None}]
    judged = "q0\tp0\t1\nq0\tp9\t2\nq0\tblank\t1\nq1\tp8\t1\nq9\tp0\t1\nq9\tp1\t1\n"
    folder = small_beir(tmp_path / "raw", [*TWO[:1], *more, TWO[1]], [*ASKED, {"_id": "q2", "text": "x"}], test=judged)
    with caplog.at_level("INFO"):
        corpus = convert("beir", folder, tmp_path)
    lines = [line for line in caplog.messages if "the first" in line]
    assert lines == [
        "passages: passages without a text, left out: 2 (the first: blank)",
        "queries: queries that no split judges, left out: 1 (the first: q2)",
        "test: judgements of passages that the corpus lacks or that have no text, counted as not found: 3 (the first: "
        "p9)",
        "test: judged queries that the file of the queries lacks, left out: 1 (the first: q9)",
    ]
    questions, reachable, texts = written(corpus)
    assert (list(questions), reachable, sorted(texts)) == (["q0", "q1"], [("q0", "p0", 1)], ["p0", "p1"])
    rows, passages, grades = (column.tolist() for column in corpus.judgements("test"))
    assert sorted(zip(rows, grades, strict=True)) == [(0, 1), (0, 1), (0, 2), (1, 1)]
    assert sum(passage < 0 for passage in passages) == 3
    assert corpus.positives("test").lengths.tolist() == [1, 0]
    hits = np.array([corpus.passages.pids([0, 1]).index("p0")]), np.array([1])
    ids = np.array([[hits[0][0], 1 - hits[0][0]]] * 2)
    found = score_ranking(ids, corpus.judgements("test"), passages=2, metrics=("R@2", "nDCG@2", "MRR@2"))
    best = 2 + 1 / np.log2(3)  # the passage of grade 2 first, one of grade 1 next
    assert found.means == pytest.approx({"R@2": (1 / 3 + 0) / 2, "nDCG@2": (1 / best + 0) / 2, "MRR@2": 1 / 2})
    again = convert("beir", folder, tmp_path, max_passages=1)
    assert [np.array(column).tolist() for column in again.judgements("test")][2] == grades


def test_judgements_of_another_corpus_are_an_error(tmp_path):
    for judged, problem in (
        ("q0\tx1\t1\nq1\tx2\t1\n", "1: passage 'x1', like all judged ones, is not in the corpus"),
        ("x0\tp0\t1\n", "1: query 'x0', like all judged ones, is not in the file"),
    ):
        folder = small_beir(tmp_path / "raw", TWO, ASKED, test=judged)
        with pytest.raises(LabradorError, match=f"test.tsv:{problem}"):
            convert("beir", folder, tmp_path)
