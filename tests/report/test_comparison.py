"""From rows to the table of systems: what is averaged, marked and explained."""

import csv
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from labrador.errors import LabradorError
from labrador.report.comparison import compare
from labrador.report.csv_files import write_csv, write_differences
from labrador.report.latex import latex
from labrador.report.markdown import markdown
from labrador.report.terminal import rendered


@pytest.fixture
def written(row, tmp_path):
    """A function that writes a run: its row and the MRR@10 of 100 queries; returns {file: row}."""

    def write(mrr, **fields):
        figures = np.clip(mrr + np.random.default_rng(fields.get("seed", 0)).uniform(-0.1, 0.1, 100), 0, 1)
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        qids = [f"q{number:02}" for number in range(100)]
        parquet.write_table(
            pa.table({"qid": qids, "MRR@10": figures, "R@20": [0.9] * 100}), folder / "per_query.parquet"
        )
        made = row(metrics={"MRR@10": float(figures.mean()), "R@20": 0.9}, **fields)
        made.write(folder / "result.json")
        return {folder / "result.json": made}

    return write


@pytest.fixture
def runs(written):
    """dpr flat and pq with two seeds, lsh with one: pq far below flat, lsh the same as flat."""
    cells = [("flat", 0.6, 0), ("flat", 0.6, 1), ("pq", 0.4, 0), ("pq", 0.4, 1), ("lsh", 0.6, 0)]
    return {file: row for q, mrr, seed in cells for file, row in written(mrr, quantizer=q, seed=seed).items()}


def line_of(text, word):
    (line,) = [line for line in text.splitlines() if re.match(rf"\W*{word}\b", line)]
    return line


def test_rows_of_one_seed_each_are_the_table_as_they_are(row):
    rows = {Path(f"/{q}/result.json"): row(quantizer=q, metrics={"MRR@10": 0.6, "R@20": 0.8}) for q in ("pq", "flat")}
    found = compare(rows)
    assert not found.averaged
    assert len(found.layout().rows) == 2
    assert found.layout().remarks == ()


def test_several_seeds_become_means_with_their_spread(runs):
    found = compare(runs)
    assert found.averaged
    text = rendered(found.layout())
    assert [row.seeds for row in found.layout().rows] == [(0, 1), (0,), (0, 1)]
    flat = [row.metrics["MRR@10"] for row in runs.values()][:2]
    assert f"{np.mean(flat):.3f}" in line_of(text, "flat")
    assert f"({abs(flat[0] - flat[1]):.3f})" in line_of(text, "flat")
    assert "(" not in line_of(text, "lsh")  # of one seed
    assert "0, 1 " in line_of(text, "flat")
    assert "Means over seeds, with the range (maximum minus minimum) in brackets" in text
    assert "▲" not in text


def test_a_seed_that_occurs_twice_is_noted(runs, written):
    twice = written(0.2, quantizer="flat", seed=1)
    found = compare(runs | twice)
    text = rendered(found.layout())
    assert "1 row left out: if a system has two runs with one seed, the first found counts" in text
    assert line_of(text, "flat") == line_of(rendered(compare(runs).layout()), "flat")
    assert "left out" not in rendered(compare(runs).layout())


def marks(text, quantizer):
    return re.findall("[▲▼]", line_of(text, quantizer))


def test_what_differs_from_the_baseline_is_marked_and_explained(runs, written):
    runs |= written(0.8, quantizer="opq")
    found = compare(runs, baseline="dpr flat")
    text = rendered(found.layout())
    assert {name: marks(text, name) for name in ("flat", "lsh", "opq", "pq")} == {
        "flat": [],
        "lsh": [],
        "opq": ["▲"],
        "pq": ["▼"],
    }
    assert found.explanation == (
        "▲ significantly better, ▼ significantly worse than dpr flat: paired randomisation test over queries (on means "
        "over seeds), two-sided, p < 0.05 after Holm correction for 6 comparisons",
    )
    assert "▲ significantly better, ▼ significantly worse than dpr flat" in text


def test_a_baseline_alone_makes_a_table_of_systems(written):
    runs = {**written(0.6), **written(0.4, quantizer="pq")}
    text = rendered(compare(runs, ["MRR@10"], "dpr flat").layout())
    assert marks(text, "pq") == ["▼"]
    assert "on means over seeds" not in text
    assert "Means over" not in text
    assert "R@20" not in text


def test_data_without_the_baseline_is_noted(written):
    runs = {**written(0.6), **written(0.4, quantizer="pq"), **written(0.4, data="nq", quantizer="pq")}
    found = compare(runs, ["MRR@10"], "dpr flat")
    assert [one.system for one in found.differences] == ["dpr pq pydocs"]
    assert found.layout().remarks[-1] == "Not compared, since the baseline was not run on it: nq"


def test_several_data_are_corrected_together(written):
    runs = {}
    for data in ("nq", "msmarco"):
        runs |= {**written(0.6, data=data), **written(0.61, data=data, quantizer="pq", seed=5)}
    first, second = compare(runs, ["MRR@10"], "dpr flat").differences
    assert (first.baseline, second.baseline) == ("dpr flat msmarco", "dpr flat nq")
    assert max(first.p_holm, second.p_holm) == pytest.approx(min(1, 2 * first.p_randomisation))


def test_metrics_are_those_asked_for_in_that_order(runs):
    text = markdown(compare(runs, ["R@20", "MRR@10", "R@20"]).layout())
    assert "MRR@10" in text.splitlines()[0]
    (row, *_) = compare(runs, ["R@20", "MRR@10", "R@20"]).layout().rows
    assert list(row.metrics) == ["R@20", "MRR@10"]
    with pytest.raises(LabradorError, match=r"--metric R@7: expected a metric of these results: MRR@10, R@20$"):
        compare(runs, ["R@7"])


def test_a_metric_that_no_row_has_cannot_be_chosen(row):
    rows = {Path("/0/result.json"): row(metrics={"MRR@10": 0.6, "nDCG@10": None})}
    assert compare(rows).metrics == ("MRR@10",)
    with pytest.raises(LabradorError, match=r"--metric nDCG@10: expected a metric of these results: MRR@10$"):
        compare(rows, ["nDCG@10"])


def test_markdown_and_latex_carry_spread_and_marks(runs):
    shown = compare(runs, ["MRR@10"], "dpr flat").layout()
    mean, spread = (f"{figure['MRR@10']:.3f}" for figure in (shown.rows[2].metrics, shown.rows[2].spreads))
    assert f"| {mean} ({spread}) ▼ |" in line_of(markdown(shown), "pq")
    assert rf" & {mean}$^{{\downarrow}}$ {{\scriptsize ({spread})}} " in line_of(latex(shown, "t"), "pq")


def test_csv_names_systems_and_has_differences_in_full(runs, tmp_path):
    found = compare(runs, ["MRR@10"], "dpr flat")
    write_csv(tmp_path / "rows.csv", found.rows, found.systems)
    lines = read_csv(tmp_path / "rows.csv")
    assert [line["system"] for line in lines] == ["dpr flat", "dpr flat", "dpr pq", "dpr pq", "dpr lsh"]
    write_differences(tmp_path / "differences.csv", found.differences)
    lines = read_csv(tmp_path / "differences.csv")
    assert [line["system"] for line in lines] == ["dpr lsh", "dpr pq"]
    assert list(lines[0]) == [field.name for field in fields(found.differences[0])]
    assert float(lines[1]["difference"]) == found.differences[1].difference
    assert lines[1]["queries"] == "100"


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
