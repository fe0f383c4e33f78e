"""The command: cells that really run, one that cannot, and what is written."""

import csv
import json

import pytest
import yaml

from labrador.tables.__main__ import main

NEEDS = {"gpus": 0, "gpu_memory_gb": 0, "disk_gb": 1, "hours": 0}


@pytest.fixture
def table(tmp_path, beir, monkeypatch):
    """A made-up table of two cells that run, one that fails and one that is not Labrador's, in the working folder."""
    cells = [
        {"name": "BM25", "overrides": ["retriever=bm25"], "published": {"R@20": 79.1, "MRR@10": 18.4}},
        {
            "name": "Codes of 7",
            "overrides": ["retriever=pretrained", "quantizer=pq", "quantizer.codebooks=7"],
            "published": {"R@20": 70.0, "bytes_per_passage": 7},
        },
        {"name": "Codes of 8", "overrides": ["retriever=pretrained", "quantizer=lsh"], "published": {"R@20": 60.0}},
        {"name": "Other", "overrides": None, "published": {"R@20": 80.0}},
    ]
    small = ["data=beir", f"data.path={beir}", "encoder=tiny", "device=cpu"]
    content = {"title": "Made up", "source": "nowhere", "needs": NEEDS, "common": ["data=nq"], "small": small}
    (tmp_path / "made_up.yaml").write_text(yaml.safe_dump(content | {"cells": cells}, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def test_cells_run_once_and_a_failed_one_does_not_stop_the_others(table, capsys):
    assert main(["made_up.yaml", "scale=small"]) == 2  # a cell failed
    out, err = capsys.readouterr()
    assert "[1/4] BM25, seed 0: done in " in out
    assert "[3/4] Codes of 8, seed 0: done in " in out
    (reported,) = err.splitlines()
    assert reported.startswith("[2/4] Codes of 7, seed 0: failed, the others go on: quantizer.codebooks=7")
    folder = table / "multirun" / "tables" / "made_up" / "small"
    row = json.loads((folder / "bm25" / "0" / "result.json").read_text())
    assert row["retriever"] == "bm25"
    shown = [line.split() for line in out.splitlines() if line.startswith(("BM25 ", "Other "))]
    assert shown[0][:3] == ["BM25", f"{100 * row['metrics']['R@20']:.1f}", "79.1"]
    assert shown[1][:3] == ["Other", "-", "80.0"]
    assert "scale small; data beir (64 passages, 16 queries); encoder tiny; seed 0; device cpu" in out
    assert "difference" not in (folder / "table.csv").read_text()
    assert (folder / "table.md").read_text().startswith("Made up\n\nPublished: nowhere\n\nMeasured: scale small; ")
    assert r"BM25 & " in (folder / "table.tex").read_text()
    with (folder / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["cell"] for line in lines] == ["BM25", "Codes of 7", "Codes of 8", "Other"]
    assert float(lines[0]["R@20.measured"]) == 100 * row["metrics"]["R@20"]
    assert lines[1]["why_not_measured"].startswith("failed: quantizer.codebooks=7")

    assert main(["made_up.yaml", "scale=small"]) == 2
    out, err = capsys.readouterr()
    assert "BM25, seed 0: already there" in out
    assert "Codes of 8, seed 0: already there" in out
    assert len(err.splitlines()) == 1  # the one that failed was tried again

    assert main(["made_up.yaml", "scale=small", "quantizer.codebooks=4", "quantizer.centroids=16"]) == 2
    out, err = capsys.readouterr()
    assert [line.split(",")[0] for line in err.splitlines()] == ["[1/4] BM25", "[3/4] Codes of 8"]  # have no codebooks
    assert "Codes of 7, seed 0: done in " in out
    assert "Also set: quantizer.codebooks=4 quantizer.centroids=16" in out
    assert not (folder / "bm25" / "0" / "result.json").exists()  # it was of other settings


def test_the_tables_of_the_house_are_listed_with_their_needs(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # in one piece
    assert main([]) == 0
    out = capsys.readouterr().out
    (line,) = [line.split() for line in out.splitlines() if line.startswith("bpr_nq")]
    assert line == ["bpr_nq", "BPR", "on", "Natural", "Questions", "6", "8", "16", "120", "30"]
    assert "make table-NAME" in out


def test_faults_are_one_line_and_exit_code_2_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bpr"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: bpr: expected a published table")
    assert main(["bpr_nq", "scale=big"]) == 2
    assert "error: scale=big" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_says_how_it_is_called(capsys):
    assert main(["--help"]) == 0
    assert "python -m labrador.tables bpr_nq scale=small" in capsys.readouterr().out
