"""CSV and Markdown."""

import csv
from pathlib import Path

from labrador.report.files import markdown, write_csv


def test_csv_has_every_figure_in_full(sweep, row, tmp_path):
    rows = {Path(f"/runs/{number}/result.json"): found for number, found in enumerate(sweep)}
    rows[Path("/runs/9/result.json")] = row(metrics={"MRR@10": 0.123456789}, settings={"quantizer.bits": "64"})
    write_csv(tmp_path / "results.csv", rows)
    with (tmp_path / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6
    assert lines[5]["metrics.MRR@10"] == "0.123456789"
    assert lines[5]["settings.quantizer.bits"] == "64"
    assert lines[0]["settings.quantizer.bits"] == ""
    assert lines[4]["quantizer"] == lines[4]["seconds.train"] == ""
    assert lines[1]["latency_ms.p99"] == "1.9"
    assert lines[1]["index_bytes"] == "18484224"
    assert lines[1]["file"] == "/runs/1/result.json"
    assert not any(name.startswith("keys") for name in lines[0])


def test_markdown_is_a_table_with_the_best_in_bold(sweep):
    lines = markdown(sweep).splitlines()
    assert lines[0].startswith("| retriever | quantizer | MRR@10 | R@20 | bytes/passage | index size | ms/query p50 |")
    assert lines[1].startswith("| :--- | :--- | ---: | ---: |")
    assert lines[2].startswith("| bm25 | - | 0.412 | **0.900** |")
    assert len({line.count("|") for line in lines[:7]}) == 1
    assert lines[8] == "**Bold**: best of its column"
    assert lines[10].startswith("The same in all rows: search scan")


def test_markdown_of_one_row_has_no_best(row):
    assert "**" not in markdown([row(quantizer="a|b")])
    assert "a\\|b" in markdown([row(quantizer="a|b")])
