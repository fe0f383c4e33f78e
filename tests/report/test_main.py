"""The command, as it is run."""

import csv
import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from labrador.report.__main__ import main


def folder_of(sweep, path):
    for number, row in enumerate(sweep):
        (path / str(number)).mkdir(parents=True)
        row.write(path / str(number) / "result.json")
    return path


def test_prints_the_table_and_says_where_the_files_are(sweep, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = folder_of(sweep, tmp_path / "sweep")
    assert main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"5 results; written to {folder}/results.csv and {folder}/results.md"
    assert [line.split()[:2] for line in out.splitlines()[3:5]] == [["bm25", "-"], ["dpr", "flat"]]
    assert (folder / "results.md").read_text().startswith("| retriever |")
    assert (folder / "results.csv").read_text().splitlines()[1].startswith("bm25,")


def test_files_can_be_named(sweep, tmp_path, capsys):
    folder = folder_of(sweep[:1], tmp_path / "sweep")
    arguments = ["--csv", str(tmp_path / "t.csv"), "--markdown", str(tmp_path / "t.md")]
    assert main([str(folder / "0" / "result.json"), *arguments]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep", "t.csv", "t.md"]
    assert "1 result;" in capsys.readouterr().out


@pytest.fixture
def seeds(row, tmp_path):
    """A folder with dpr flat and dpr pq, two seeds each, and their queries: pq is worse by far."""
    for number, (quantizer, seed) in enumerate([("flat", 0), ("flat", 1), ("pq", 0), ("pq", 1)]):
        figures = [(0.9 if quantizer == "flat" else 0.4) + seed / 50 + query / 1250 for query in range(50)]
        folder = tmp_path / "seeds" / str(number)
        folder.mkdir(parents=True)
        row(quantizer=quantizer, seed=seed, metrics={"MRR@10": sum(figures) / 50}).write(folder / "result.json")
        table = pa.table({"qid": [f"q{query}" for query in range(50)], "MRR@10": figures})
        parquet.write_table(table, folder / "per_query.parquet")
    return tmp_path / "seeds"


def test_seeds_are_averaged_and_tested_against_a_baseline(seeds, capsys):
    assert main([str(seeds)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"4 results of 2 systems; written to {seeds}/results.csv and {seeds}/results.md"
    assert "0.930* (0.020)" in out
    latex = seeds / "t.tex"
    assert main([str(seeds), "--baseline", "dpr flat", "--metric", "MRR@10", "--latex", str(latex)]) == 0
    out = capsys.readouterr().out
    assert "0.430  (0.020) ▼" in out
    written = [f"{seeds}/{name}" for name in ("results.csv", "results.md", "results-differences.csv", "t.tex")]
    assert out.splitlines()[-1].endswith(f"written to {', '.join(written[:3])} and {written[3]}")
    assert r"$^{\downarrow}$" in latex.read_text()
    with (seeds / "results-differences.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["system"], line["baseline"], line["metric"]) == ("dpr pq", "dpr flat", "MRR@10")
    assert float(line["difference"]) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "dpr"], "--baseline 'dpr': expected one system, it matches 2: 'dpr flat', 'dpr pq'"),
        (["--baseline", "bpr"], "--baseline 'bpr': expected one of the systems 'dpr flat', 'dpr pq'"),
        (["--metric", "R@7"], "--metric R@7: expected a metric of these results: MRR@10"),
    ],
)
def test_what_cannot_be_compared_is_an_error_and_nothing_is_written(seeds, capsys, arguments, message):
    assert main([str(seeds), *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not (seeds / "results.csv").exists()


def test_faults_are_one_line_and_exit_code_2(sweep, tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: no result.json found there; name the folder of a finished run (multirun/...)\n"
    )


def test_it_loads_none_of_the_code_that_makes_results():
    code = (
        "import sys, labrador.report.__main__; print(*sorted(m for m in sys.modules if 'labrador.' in m), *sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    outside = {name for name in loaded if name.startswith("labrador.") and ".report" not in name}
    assert outside == {"labrador.errors", "labrador.machine", "labrador.machine.files", "labrador.results"}
    assert not {"torch", "numpy", "pyarrow", "transformers", "hydra", "scipy", "yaml", "matplotlib"} & set(loaded)


def test_figures_and_page_are_written_where_they_are_asked_for(seeds, tmp_path, capsys):
    figures, page = tmp_path / "figures", tmp_path / "page.html"
    arguments = [
        "--figures",
        str(figures),
        "--html",
        str(page),
        "--baseline",
        "dpr flat",
        "--store",
        str(tmp_path / "no"),
    ]
    assert main([str(seeds), *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert lines[0] == f"8 figure files written to {figures}"
    assert lines[1].startswith(f"page written to {page} (")
    missing = f"there is no run.trec next to {seeds}/0/result.json"
    assert lines[2] == f"pydocs: no queries for 2 of 2 systems, since {missing}"
    assert "pydocs-gains.svg" in [path.name for path in figures.iterdir()]
    assert page.read_text().startswith("<!doctype html>")


def test_places_that_cannot_be_written_are_errors_before_any_work(seeds, tmp_path, capsys):
    for option, place, expected in (
        ("--html", tmp_path / "no" / "page.html", "expected a file in an existing folder; name another file"),
        ("--html", tmp_path, "expected a file in an existing folder; name another file"),
        ("--csv", tmp_path / "no" / "t.csv", "expected a file in an existing folder; name another file"),
        ("--markdown", tmp_path, "expected a file in an existing folder; name another file"),
        ("--latex", tmp_path / "no" / "t.tex", "expected a file in an existing folder; name another file"),
        ("--figures", seeds / "0" / "result.json", "expected a folder, this is a file; name another folder"),
    ):
        assert main([str(seeds), option, str(place)]) == 2
        printed = capsys.readouterr()
        assert printed.err == f"error: {option} {place}: {expected}\n"
        assert printed.out == ""
    assert not (seeds / "results.csv").exists()


@pytest.fixture
def two(row, tmp_path):
    """Two data of one name and one size, as of `-m data.path=A,B`: on each flat, and on the second pq, too."""
    cells = [("flat", "aaaaaaaaaa", 0.9), ("flat", "bbbbbbbbbb", 0.5), ("pq", "bbbbbbbbbb", 0.2)]
    for number, (quantizer, data, quality) in enumerate(cells):
        folder = tmp_path / "two" / str(number)
        folder.mkdir(parents=True)
        figures = [quality + (query % 5) / 100 for query in range(50)]
        made = row(retriever="pretrained", quantizer=quantizer, data_fingerprint=data, drawn={})
        made = replace(made, metrics={"MRR@10": sum(figures) / 50})
        made.write(folder / "result.json")
        table = pa.table({"qid": [f"q{query}" for query in range(50)], "MRR@10": figures})
        parquet.write_table(table, folder / "per_query.parquet")
    return tmp_path / "two"


def test_each_data_has_a_section_and_is_not_compared_with_another(two, tmp_path, capsys):
    files = ["--latex", str(tmp_path / "t.tex"), "--figures", str(tmp_path / "f"), "--html", str(tmp_path / "p.html")]
    assert main([str(two), "--baseline", "pretrained flat", *files]) == 0
    out = capsys.readouterr().out
    names = [f"pydocs, 12,034 passages, 1,210 queries, {key * 6}" for key in "ab"]
    first, second = out.split(names[1])
    assert first.startswith(names[0])
    assert "0.920" in first
    assert "0.520*" in second  # the best of its own data
    assert "left out" not in out
    differences = list(csv.DictReader((two / "results-differences.csv").read_text().splitlines()))
    assert [(line["data_key"], line["system"].split()[1]) for line in differences] == [("bbbbbbbbbb", "pq")]
    assert [line for line in (two / "results.md").read_text().splitlines() if line[:2] == "##"] == [
        f"## {name}" for name in names
    ]
    tables = (tmp_path / "t.tex").read_text()
    assert tables.count(r"\begin{table}") == 2
    assert r"\label{tab:t-pydocs-12034-1210-aaaaaa}" in tables
    assert (tmp_path / "f" / "pydocs-12034-1210-bbbbbb-gains.png").exists()
    page = (tmp_path / "p.html").read_text()
    assert all(name in page for name in names)
