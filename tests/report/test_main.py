"""The command, as it is run."""

import subprocess
import sys

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


def test_faults_are_one_line_and_exit_code_2(sweep, tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: no result.json found there; name the folder of a finished run (multirun/...)\n"
    )
    folder = folder_of(sweep[:1], tmp_path / "sweep")
    assert main([str(folder), "--csv", str(tmp_path / "no" / "t.csv")]) == 2
    assert "no/t.csv: cannot be written" in capsys.readouterr().err


def test_it_loads_none_of_the_code_that_makes_results():
    code = (
        "import sys, labrador.report.__main__; print(*sorted(m for m in sys.modules if 'labrador.' in m), *sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if name.startswith("labrador.") and ".report" not in name} == {"labrador.errors"}
    assert not {"torch", "numpy", "pyarrow", "transformers", "hydra"} & set(loaded)
