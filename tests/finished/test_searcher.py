"""Queries to finished runs: the run's own queries get the run's own ranking."""

import shutil
from dataclasses import replace

import pytest
from layouts import question_of, text_of, title_of

from labrador.errors import LabradorError
from labrador.finished.runs import open_run
from labrador.finished.searcher import Searcher

RUNS = ["outputs/bm25", "outputs/lookup", "outputs/bidr", "outputs/towers", *(f"multirun/dense/{n}" for n in range(4))]
RUNS += ["multirun/opq/0"]


def ranking(folder):
    """qid -> [(pid, score)] of run.trec."""
    ranked = {}
    for line in (folder / "run.trec").read_text().splitlines():
        qid, _, pid, _, score, _ = line.split()
        ranked.setdefault(qid, []).append((pid, float(score)))
    return ranked


@pytest.mark.parametrize("name", RUNS)
def test_the_runs_queries_get_the_runs_ranking(cells, name):
    searcher = Searcher(open_run(cells / name))
    for qid, expected in ranking(cells / name).items():
        answers = searcher.search(question_of(int(qid[1:])), 5)
        assert [answer.rank for answer in answers] == [1, 2, 3, 4, 5][: len(answers)]
        assert [answer.pid for answer in answers] == [pid for pid, _ in expected[:5]]
        assert [answer.score for answer in answers] == pytest.approx([score for _, score in expected[:5]], abs=1e-4)


def test_passages_come_with_their_text(cells):
    (best, *_) = Searcher(open_run(cells / "outputs" / "bm25")).search(question_of(6), 1)
    assert (best.pid, best.title, best.text, best.stage) == ("p6", title_of(6), text_of(6), "bm25")
    assert best.candidate is None


@pytest.mark.parametrize("name", ["outputs/lookup", "outputs/bidr"])
def test_two_stages_give_the_place_among_the_candidates(cells, name):
    answers = Searcher(open_run(cells / name)).search("who keeps the red fox", 20)
    assert {answer.stage for answer in answers} == {"rerank"}
    assert sorted(answer.candidate for answer in answers) == list(range(1, 21))
    assert {answer.candidates for answer in answers} == {20}
    by_candidate = sorted(answers, key=lambda answer: answer.candidate)
    scores = [answer.candidate_score for answer in by_candidate]
    assert scores == sorted(scores, reverse=True)
    assert [answer.score for answer in answers] == sorted((answer.score for answer in answers), reverse=True)


def test_one_stage_has_no_candidates(cells):
    answers = Searcher(open_run(cells / "multirun" / "dense" / "0")).search("who keeps the red fox", 3)
    assert [(answer.stage, answer.candidate) for answer in answers] == [("codes", None)] * 3


def test_a_query_without_a_known_term_finds_nothing(cells):
    assert Searcher(open_run(cells / "outputs" / "bm25")).search("xyzzy", 3) == []


@pytest.fixture
def copied(cells, tmp_path):
    """The runs and their store somewhere else."""
    for name in ("artifacts", "outputs"):
        shutil.copytree(cells / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "step", "what"),
    [
        ("towers", "fit", "the trained encoder"),
        ("towers", "vectors", "the queries' vectors"),
        ("lookup", "structure", "the hash tables"),
        ("lookup", "quantizer", "the quantizer"),
        ("bm25", "bm25", "the BM25 index"),
        ("bm25", "ranking", "the ranking"),
        ("bm25", "data", "the corpus"),
    ],
)
def test_a_missing_artifact_names_the_command(copied, monkeypatch, name, step, what):
    shutil.rmtree(copied / "artifacts" / step)
    run = open_run(copied / "outputs" / name, copied / "artifacts")
    with pytest.raises(LabradorError) as caught:
        Searcher(run)
    assert f"{what} is not in the store {copied / 'artifacts'}; run the cell again" in str(caught.value)
    assert f"python run.py retriever={run.row.retriever}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_without_keys_is_reported(cells):
    run = open_run(cells / "outputs" / "bm25")
    for keys in ({}, {"data": run.row.keys["data"]}, run.row.keys | {"subset": "a sample that is gone"}):
        with pytest.raises(LabradorError, match=r"the (corpus|ranking) is not in the store .*; run the cell again"):
            Searcher(replace(run, row=replace(run.row, keys=keys)))


def test_a_query_is_written_as_those_of_the_data(cells, monkeypatch):
    """As NQ's are, for one, whose question marks are dropped."""
    run = open_run(cells / "outputs" / "bm25")
    monkeypatch.setattr(type(run.part("data")), "question", lambda self, text: text.replace("cat", "fox"))
    assert Searcher(run).search("the red cat", 1)[0].pid == "p0"


def test_a_file_that_was_cut_is_reported(copied):
    run = open_run(copied / "outputs" / "bm25", copied / "artifacts")
    (file,) = (copied / "artifacts" / "data").glob("*/passages.arrow")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(LabradorError, match=r"the corpus as it was written \(passages.arrow has"):
        Searcher(run).search("fox", 1)


def test_an_encoder_that_gives_other_vectors_is_refused(cells):
    run = open_run(cells / "multirun" / "dense" / "0")
    other = run.settings | {"encoder": run.settings["encoder"] | {"query_prefix": "another prefix altogether: "}}
    with pytest.raises(LabradorError, match="its encoder gives a query another vector than in the run"):
        Searcher(replace(run, settings=other))


def test_nothing_is_written(cells):
    before = {path: path.stat().st_mtime_ns for path in cells.rglob("*")}
    Searcher(open_run(cells / "outputs" / "bidr")).search("who keeps the red fox", 3)
    assert {path: path.stat().st_mtime_ns for path in cells.rglob("*")} == before
