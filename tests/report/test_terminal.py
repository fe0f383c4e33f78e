"""The table as a person sees it, line by line."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from labrador.report import terminal
from labrador.report.averages import average
from labrador.report.layout import layout
from labrador.report.terminal import print_rows, rendered


def render(rows, *width):
    return rendered(layout(rows), *width)


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_whole_table(sweep):
    text = render(sweep)
    head, rule, *body = text.splitlines()[1:8]
    assert cells(head)[:5] == ["retriever", "quantizer", "MRR@10", "R@20", "passage"]
    assert set(rule) == {"─"}
    assert [cells(line)[:4] for line in body] == [
        ["bm25", "-", "0.412", "0.900*"],
        ["dpr", "flat", "0.600*", "0.800"],
        ["dpr", "lsh", "0.490", "-"],
        ["dpr", "pq", "0.600*", "0.800"],
        ["pretrained", "flat", "0.551", "0.700"],
    ]
    assert "* best in its column" in text


def test_columns_are_aligned(sweep):
    lines = render(sweep).splitlines()[:8]
    ends = [[match.end() for match in re.finditer(r"MRR@10|0\.\d{3}(?=[ *])", line)][:1] for line in lines]
    assert len({end for found in ends[1:2] + ends[3:] for end in found}) == 1


def test_what_is_the_same_in_all_rows_is_in_the_caption(sweep):
    shown = layout(sweep)
    assert [column.title for column in shown.names] == ["retriever", "quantizer"]
    assert shown.caption == (
        "search scan (where used), sampler bm25 (where used), encoder minilm (where used), data pydocs, seed 0, "
        "device cpu, threads 2, queries 1,210, passages 12,034, search (s) 1.2"
    )
    assert "nDCG@10" not in render(sweep)  # no row has it


def test_memory_disk_and_the_stages_of_a_search_have_columns(row):
    old = row(quantizer="lsh", search="two_stage", index_bytes=4_600_000, latency_ms={"p50": 0.7, "p99": 1.0})
    stages = {"p50": 0.9, "p99": 1.0, "candidates": 0.6, "rerank": 0.3}
    dense = row(quantizer="pq", search="two_stage", disk_bytes=32_280_000_000, latency_ms=stages)
    lines = render([dense, old]).splitlines()
    heads = [" ".join(line.split()) for line in lines[:2]]
    assert heads[0].startswith("index on disk ms/query ms/query ms/query")
    assert heads[1] == "quantizer size for rerank p50 candidates rerank"
    assert [line.split() for line in lines[3:5]] == [
        ["lsh", "4.60", "MB*", "-", "0.700*", "-", "-"],
        ["pq", "18.5", "MB", "32.3", "GB", "0.900", "0.600", "0.300"],
    ]


def test_settings_are_a_column_where_they_vary(row):
    rows = [row(settings={"quantizer.bits": bits}) for bits in ("64", "128")] + [row()]
    shown = layout(rows)
    assert [column.title for column in shown.names] == ["quantizer.bits"]
    assert [row.settings.get("quantizer.bits") for row in shown.rows] == [None, "64", "128"]


def test_seeds_are_rows(row):
    shown = layout([row(seed=seed) for seed in (2, 0, 1)])
    assert [column.title for column in shown.names] == ["seed"]
    assert [row.seed for row in shown.rows] == [0, 1, 2]


def test_one_row_shows_all_its_figures_and_no_best(row):
    text = render([row()])
    assert "*" not in text
    for title in ("retriever", "quantizer", "MRR@10", "R@20", "ms/query", "encode", "18.5 MB", "9,100"):
        assert title in text
    assert "data pydocs" in text


def test_rows_with_the_same_name_are_still_named(row):
    text = render([row(), row(metrics={"MRR@10": 0.7})])
    assert text.count("dpr") == 2


def test_the_best_is_among_rows_on_the_same_data(row):
    rows = [row(data=data, quantizer=q, metrics={"MRR@10": value}) for data, q, value in
            [("nq", "flat", 0.4), ("nq", "pq", 0.3), ("msmarco", "flat", 0.34), ("msmarco", "pq", 0.32)]]  # fmt: skip
    lines = render(rows).splitlines()
    assert [cells(line)[:3] for line in lines if re.match(r"flat|pq", line)] == [
        ["flat", "msmarco", "0.340*"],
        ["pq", "msmarco", "0.320"],
        ["flat", "nq", "0.400*"],
        ["pq", "nq", "0.300"],
    ]


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_every_column_is_there(sweep, width):
    metrics = {f"R@{k}": k / 1000 for k in (1, 5, 20, 50, 100, 1000)}
    rows = [*sweep, *(replace(sweep[1], metrics=metrics, seed=seed) for seed in (1, 2))]
    text = render(rows, width)
    assert max(map(len, text.splitlines())) <= width
    for word in render(rows).split():
        assert word.strip("─") in text
    heads = [line for line in text.splitlines() if line.startswith("retriever")]
    assert len(heads) == text.count("───\n")
    assert (len(heads) == 1) == (width == 160)


def test_a_terminal_gets_bold_and_its_own_width(sweep, monkeypatch):
    screen = io.StringIO()
    screen_console = Console(file=screen, force_terminal=True, width=70, highlight=False, color_system="standard")
    monkeypatch.setattr(terminal, "Console", lambda **options: screen_console)
    print_rows(sweep)
    assert re.search(r"\x1b\[1m +0\.600\*\x1b", screen.getvalue())
    plain = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())
    assert max(map(len, plain.splitlines())) <= 70


def test_a_pipe_gets_one_plain_table(sweep, monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    print_rows(sweep)
    out = capsys.readouterr().out
    assert out == render(sweep)
    assert "\x1b" not in out
    assert out.count("retriever") == 1


def test_a_pipe_heeds_columns(sweep, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    print_rows(sweep)
    assert capsys.readouterr().out == render(sweep, 60)


def test_square_brackets_in_settings_are_text(row):
    same = {"data.packages": "[numpy,pandas]"}
    assert "data.packages [numpy,pandas]" in render([row(settings=same), row(settings=same, quantizer="pq")])
    assert "[numpy]" in render([row(settings={"data.packages": "[numpy]"}), row(settings=same)])


def test_spreads_and_signs_are_aligned(row):
    means = [
        average([row(quantizer=q, metrics={"MRR@10": mrr})], spreads, signs)
        for q, mrr, spreads, signs in [
            ("flat", 0.9, {"MRR@10": 0.01}, {}),
            ("lsh", 0.5, {"MRR@10": 0.1}, {"MRR@10": -1}),
            ("pq", 0.6, {}, {"MRR@10": 1}),
        ]
    ]
    lines = render(means).splitlines()
    assert [line.rstrip() for line in lines[2:5]] == [
        "flat       0.900* (0.010)",
        "lsh        0.500  (0.100) ▼",
        "pq         0.600  ▲",
    ]
    assert lines[0].split() == ["quantizer", "MRR@10"]
    assert max(map(len, lines[:5])) <= 28


def test_the_best_is_among_rows_on_the_same_passages_and_queries(row):
    rows = [row(quantizer=q, passages=size, metrics={"MRR@10": mrr}) for q, size, mrr in (
        ("flat", 100, 0.9), ("pq", 100, 0.8), ("flat", 200, 0.6), ("pq", 200, 0.7))]  # fmt: skip
    lines = [line for line in render(rows).splitlines() if line.startswith(("flat", "pq"))]
    assert [("*" in line, line.split()[1]) for line in lines] == [
        (True, "100"),
        (False, "100"),
        (False, "200"),
        (True, "200"),
    ]


def test_a_machine_is_shown_only_where_rows_differ_in_it(row):
    one, other = {"processor": "Xeon", "cores": 8}, {"processor": "Xeon", "cores": 2}
    shown = layout([row(machine=one), row(machine=other, quantizer="pq")])
    assert [column.title for column in shown.names] == ["quantizer", "cores"]
    assert "Xeon" not in render([row(machine=one), row(machine=other, quantizer="pq")])
    assert "cores" not in render([row(machine=one), row(machine=one, quantizer="pq")])


def test_timings_disturbed_by_other_runs_are_marked_and_never_the_best(row):
    fast = {"latency_ms": {"p50": 0.1}, "qps": 99_000.0}
    rows = [
        row(),
        row(quantizer="pq", latency_ms={"p50": 0.5}, qps=20_000.0),
        row(quantizer="lsh", disturbed=True, **fast),
    ]
    text = render(rows)
    assert "0.100~" in text
    assert "99,000~" in text
    assert "0.500*" in text
    assert "20,000*" in text
    assert text.count("~ timed while other runs were using the machine: rerun on an idle machine") == 1
    assert "~" not in render(rows[:2])
