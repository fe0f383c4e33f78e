"""run.trec and the per-query figures, read back by the tools that people will use."""

import ir_measures
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.errors import LabradorError
from labrador.metrics.ranking import score_ranking
from labrador.metrics.run_files import strictly_falling, write_per_query, write_trec


def pid(row: int) -> str:
    return f"d{row}"


def pids(rows) -> list[str]:
    return [pid(row) for row in rows.tolist()]


def evaluate(path, qrels, count):
    """Per-query figures of the run file as ir-measures computes them."""
    judged = [ir_measures.Qrel(f"q{q}", pid(p), int(g)) for q, p, g in zip(*qrels, strict=True)]
    measures = {ir_measures.RR @ 10: "MRR@10", ir_measures.nDCG @ 10: "nDCG@10"}
    measures |= {ir_measures.R @ k: f"R@{k}" for k in (1, 5, 20)}
    figures = {name: np.full(count, np.nan) for name in measures.values()}
    for metric in ir_measures.iter_calc(list(measures), judged, ir_measures.read_trec_run(str(path))):
        figures[measures[metric.measure]][int(metric.query_id[1:])] = metric.value
    return figures


def test_lines(tmp_path):
    ids = np.array([[4, 2, -1], [7, -1, 5]])
    scores = np.array([[1.5, 0.1, -np.inf], [3, np.nan, 3]], dtype=np.float32)
    write_trec(tmp_path / "run.trec", ["q0", "q1"], pids, ids, scores, "dpr-opq")
    lines = [line.split() for line in (tmp_path / "run.trec").read_text().splitlines()]
    assert [line[:4] for line in lines] == [
        ["q0", "Q0", "d4", "1"],
        ["q0", "Q0", "d2", "2"],
        ["q1", "Q0", "d7", "1"],
        ["q1", "Q0", "d5", "2"],
    ]
    assert {line[5] for line in lines} == {"dpr-opq"}
    written = [np.float32(line[4]) for line in lines]
    assert written[:3] == [np.float32(1.5), np.float32(0.1), 3]
    assert written[3] < 3
    assert written[3] == pytest.approx(3)


def test_ties_keep_our_order_in_other_evaluators(tmp_path):
    ids = np.array([[1, 3, 2], [2, 3, 1]])
    scores = np.zeros((2, 3), dtype=np.float32)
    qrels = (np.array([0, 1]), np.array([3, 3]), np.array([1, 1]))
    write_trec(tmp_path / "run.trec", ["q0", "q1"], pids, ids, scores, "tied")
    figures = evaluate(tmp_path / "run.trec", qrels, 2)
    assert figures["nDCG@10"].tolist() == pytest.approx([1 / np.log2(3)] * 2)
    assert figures["MRR@10"].tolist() == [0.5, 0.5]
    tied = {f"q{q}": {pid(row): 0.0 for row in ids[q]} for q in range(2)}  # what trec_eval makes of equal scores
    assert ir_measures.calc_aggregate([ir_measures.nDCG @ 10], {"q0": {"d3": 1}, "q1": {"d3": 1}}, tied) == {
        ir_measures.nDCG @ 10: 1.0
    }


@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([1, 2, 5, 1000]), scale=st.sampled_from([1e-30, 1, 3e5]))
@settings(max_examples=40, deadline=None)
def test_the_run_file_scores_as_the_ranking_does(tmp_path_factory, seed, levels, scale):
    rng = np.random.default_rng(seed)
    count, depth, passages = 6, 25, 25
    ids = np.stack([rng.permutation(passages)[:depth] for _ in range(count)])
    ids[rng.random(ids.shape) < 0.1] = -1
    scores = -np.sort(-rng.integers(-levels, levels, ids.shape) * scale, axis=1).astype(np.float32)
    pairs = np.unique(rng.integers(0, [count, passages], (20, 2)), axis=0)
    qrels = (pairs[:, 0], pairs[:, 1], rng.integers(0, 3, len(pairs)))
    path = tmp_path_factory.mktemp("run") / "run.trec"
    write_trec(path, [f"q{q}" for q in range(count)], pids, ids, scores, "tag")
    ours = score_ranking(ids, qrels, passages=passages)
    for name, values in evaluate(path, qrels, count).items():
        np.testing.assert_allclose(values, ours.per_query[name], rtol=1e-12)


def test_strictly_falling_changes_no_more_than_it_must():
    scores = np.array([[5, 4, 4, 4, 1], [0, 0, 0, -1, -1], [np.inf, 2, np.inf, 2, 1]], dtype=np.float32)
    falling = strictly_falling(scores)
    assert (np.diff(falling[:2].astype(np.float64)) < 0).all()
    np.testing.assert_allclose(falling[:2], scores[:2], rtol=1e-6, atol=1e-30)
    assert falling[0].tolist()[:2] == [5, 4]
    assert falling[0, 4] == 1
    smallest = np.finfo(np.float32).tiny
    assert falling[1, :3].tolist() == [0, -smallest, -2 * smallest]  # no denormal numbers
    assert falling[2, [1, 4]].tolist() == [2, 1]
    assert falling[2, 3] == pytest.approx(2)


def test_scores_must_be_numbers(tmp_path):
    scores = np.array([[1, np.nan]], dtype=np.float32)
    with pytest.raises(ValueError, match="NaN or infinite"):
        write_trec(tmp_path / "run.trec", ["q"], pids, np.array([[0, 1]]), scores, "tag")


@pytest.mark.parametrize(
    ("qid", "name", "tag", "message"),
    [
        ("a b", "d", "t", "query id 'a b'"),
        ("a", "d e", "t", "passage id 'd e'"),
        ("a", "d", "", "tag ''"),
        ("a", "d\n", "t", r"passage id 'd\\n'"),
    ],
)
def test_ids_with_white_space_are_refused(tmp_path, qid, name, tag, message):
    ids, scores = np.array([[0]]), np.ones((1, 1), dtype=np.float32)
    with pytest.raises(LabradorError, match=message):
        write_trec(tmp_path / "run.trec", [qid], lambda rows: [name], ids, scores, tag)


def test_per_query_parquet(tmp_path):
    per_query = {"MRR@10": np.array([0.5, np.nan]), "R@1": np.array([0.0, 1.0])}
    write_per_query(tmp_path / "per_query.parquet", ["q0", "q1"], per_query)
    assert pq.read_table(tmp_path / "per_query.parquet").to_pydict() == {
        "qid": ["q0", "q1"],
        "MRR@10": [0.5, None],
        "R@1": [0.0, 1.0],
    }
