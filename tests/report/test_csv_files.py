"""CSV, with every figure in full."""

import csv
from pathlib import Path

from labrador.report.csv_files import write_csv


def test_csv_has_every_figure_in_full(sweep, row, tmp_path):
    rows = {Path(f"/runs/{number}/result.json"): found for number, found in enumerate(sweep)}
    rows[Path("/runs/9/result.json")] = row(metrics={"MRR@10": 0.123456789}, settings={"quantizer.bits": "64"})
    write_csv(tmp_path / "results.csv", rows)
    with (tmp_path / "results.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6
    assert lines[5]["MRR@10"] == "0.123456789"
    assert lines[5]["quantizer.bits"] == "64"
    assert lines[0]["quantizer.bits"] == ""
    assert lines[4]["quantizer"] == lines[4]["seconds.train"] == ""
    assert lines[1]["latency_ms.p99"] == "1.9"
    assert lines[1]["index_bytes"] == "18484224"
    assert lines[1]["file"] == "/runs/1/result.json"
    assert not any(name.startswith("keys") for name in lines[0])
