"""Measured figures next to published ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from made_runs import make_row

from labrador.report.latex import latex
from labrador.report.markdown import markdown
from labrador.report.per_query import PER_QUERY
from labrador.report.systems import System
from labrador.report.terminal import rendered
from labrador.tables.measured import Line, csv_lines, figures, header, layout, marked
from labrador.tables.published import Cell, Published

BPR = Cell("BPR", ("retriever=bpr",), {"R@20": 80.5, "bytes_per_passage": 96, "query_ms": 85, "R@100": 87})
PAPER = Cell("BPR (paper)", ("retriever=bpr", "sampler=bm25"), {"R@20": 77.92})
OTHER = Cell("HNSW", None, {"R@20": 81.0, "query_ms": 2})
FAILED = Cell("Broken", ("retriever=x",), {"R@20": 1.0})
NEEDS = {"gpus": 8, "gpu_memory_gb": 16, "disk_gb": 120, "hours": 30}
TABLE = Published("t", "BPR on NQ", "a paper", NEEDS, ("data=nq",), ("data=pydocs",), (BPR, PAPER, OTHER, FAILED))


@pytest.fixture
def row():
    return make_row


@pytest.fixture
def lines(row):
    def line(cell, *metrics, **fields):
        rows = tuple(row(seed=seed, metrics=means, **fields) for seed, means in enumerate(metrics))
        return Line(cell, System(cell.name, rows, tuple(Path(f"/{cell.slug}/{row.seed}") for row in rows)))

    return [
        line(BPR, {"R@20": 0.8, "R@100": 0.9}, {"R@20": 0.81, "R@100": None}, bytes_per_passage=48.0),
        line(PAPER, {"R@20": 0.7}, latency_ms={"p50": None}),
        Line(OTHER, None, "not Labrador's"),
        Line(FAILED, None, "failed: retriever=x"),
    ]


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_measured_figures_have_the_units_of_published_ones(lines):
    assert figures(lines) == ["R@20", "R@100", "bytes_per_passage", "query_ms"]
    assert lines[0].measured("R@20") == pytest.approx(80.5)
    assert lines[0].spread("R@20") == pytest.approx(1.0)
    assert lines[0].difference("R@20") == pytest.approx(0.0)
    assert lines[1].difference("R@20") == pytest.approx(-7.92)
    assert lines[0].measured("R@100") is None  # a seed lacks it
    assert (lines[0].measured("bytes_per_passage"), lines[0].measured("query_ms")) == (48, 0.84)
    assert lines[1].measured("query_ms") is None
    assert lines[0].difference("bytes_per_passage") is None  # a cost is no score
    assert lines[2].measured("R@20") is lines[2].spread("R@20") is lines[2].difference("R@20") is None


def test_the_table(lines):
    head, _, *body = cells(markdown(layout(lines, comparable=True)))
    assert head == [
        *("cell", "R@20 measured", "R@20 published", "R@20 difference"),
        *("R@100 measured", "R@100 published", "R@100 difference"),
        *("bytes/passage measured", "bytes/passage published", "ms/query measured", "ms/query published"),
    ]
    assert body == [
        ["BPR", "80.50 (1.00)", "80.50", "+0.00", "-", "87", "-", "48", "96", "0.840", "85.0"],
        ["BPR (paper)", "70.00", "77.92", "-7.92", "-", "-", "-", "1,536", "-", "-", "-"],
        ["HNSW", "-", "81.00", "-", "-", "-", "-", "-", "-", "-", "2.00"],
        ["Broken", "-", "1.00", "-", "-", "-", "-", "-", "-", "-", "-"],
    ]


def test_notes_say_what_was_not_measured_and_how_to_read_figures(lines):
    text = rendered(layout(lines, comparable=True))
    for line in (
        "Metrics in percent",
        "minimum) in brackets",
        "HNSW: not Labrador's",
        "Broken: failed: retri",
    ):
        assert line in text
    assert "*" not in text


def test_without_comparable_settings_there_is_no_difference(lines):
    text = markdown(layout(lines, comparable=False))
    assert "difference" not in text
    assert "| BPR | 80.50 (1.00) | 80.50 |" in text
    assert not [name for line in csv_lines(lines, comparable=False) for name in line if "difference" in name]


def test_the_header_says_what_was_measured_with_what(lines):
    assert header(TABLE, "common", True, lines) == [
        "BPR on NQ",
        "Published: a paper",
        "Measured: scale common; data pydocs (12,034 passages, 1,210 queries); encoder minilm; seeds 0, 1; device cpu",
    ]
    *_, measured, other = header(TABLE, "small", False, lines[2:])
    assert measured == "Measured: scale small"
    assert "compare the order of the cells" in other
    assert "not the numbers" in other


def test_csv_has_every_figure_in_full(lines):
    first, second, other, failed = csv_lines(lines, comparable=True)
    assert first["R@20.measured"] == pytest.approx(80.5)
    assert first["R@20.published"] == 80.5
    assert (first["seeds"], first["overrides"], first["files"]) == ("0 1", "retriever=bpr", "/bpr/0 /bpr/1")
    assert second["R@20.difference"] == pytest.approx(-7.92)
    assert "query_ms.difference" not in second
    assert (other["why_not_measured"], other["overrides"], other["files"]) == ("not Labrador's", "", "")
    assert failed["R@20.measured"] is None


@pytest.fixture
def measured(row, tmp_path):
    """Lines of cells with scores of 60 queries: BPR at 0.5, the paper's far below it, one that was not measured."""

    def line(cell, figure):
        values = np.full(60, figure) + np.linspace(0, 0.1, 60)
        file = tmp_path / cell.slug / "result.json"
        file.parent.mkdir()
        parquet.write_table(pa.table({"qid": [f"q{n}" for n in range(60)], "R@20": values}), file.with_name(PER_QUERY))
        return Line(cell, System(cell.name, (row(metrics={"R@20": float(values.mean()), "R@100": None}),), (file,)))

    return [Line(FAILED, None, "failed: x"), line(BPR, 0.5), line(PAPER, 0.2)]


def test_what_differs_from_the_first_measured_cell_is_marked(measured):
    lines, found, (tested,) = marked(measured, None)
    assert [(one.system, one.baseline, one.metric) for one in found] == [("BPR (paper)", "BPR", "R@20")]
    assert tested.startswith("▲ significantly better, ▼ significantly worse than BPR: paired randomisation test over")
    assert tested.endswith("correction for 1 comparison")
    assert [line.signs for line in lines] == [{}, {}, {"R@20": -1}]
    shown = layout(lines, comparable=True)
    assert "| BPR (paper) | 25.00 ▼ | 77.92 |" in markdown(shown)
    assert r"BPR (paper) & 25.00$^{\downarrow}$ & 77.92 &" in latex(shown, "t", whole=True)


def test_another_baseline_can_be_named_and_one_that_failed_gives_way_to_the_first(measured):
    lines, _, (tested,) = marked(measured, "BPR (paper)")
    assert [line.signs for line in lines] == [{}, {"R@20": 1}, {}]
    assert "worse than BPR (paper):" in tested
    assert "worse than BPR:" in marked(measured, "Broken")[2][0]


def test_of_a_single_measured_cell_nothing_is_tested(measured):
    assert marked(measured[:2], None) == (measured[:2], [], ())


def test_figures_that_the_data_does_not_have_are_named(measured):
    assert "Not measured on this data: R@100, ms/query" not in layout(measured, comparable=False).remarks
    assert "Not measured on this data: R@100" in layout(measured, comparable=False).remarks
    assert not [line for line in layout(measured[:1], comparable=False).remarks if line.startswith("Not measured")]


def test_milliseconds_disturbed_by_other_runs_are_marked(row):
    system = System("BPR", (row(metrics={"R@20": 0.8}, disturbed=True),), (Path("/bpr/0"),))
    text = rendered(layout([Line(BPR, system)], comparable=True))
    assert "0.840~" in text
    assert "80.50~" not in text
    assert "~ timed while other runs were using the machine" in text


def test_cells_trained_apart_have_no_mark_while_they_have_one_seed(measured):
    trained = [
        replace(line, system=replace(line.system, rows=(replace(line.system.rows[0], keys={"fit": line.cell.slug}),)))
        for line in measured[1:]
    ]
    lines, (one,), (tested,) = marked(trained, None)
    assert [line.signs for line in lines] == [{}, {"R@20": 0}]
    assert one.over == "one seed"
    assert tested.startswith("Not tested against BPR: BPR (paper). Another seed trains")
