"""`python search.py` as a person meets it."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from labrador.errors import LabradorError
from labrador.finished import prompt
from labrador.finished.prompt import main, parsed, shown
from labrador.finished.searcher import Answer

SCRIPT = Path(__file__).resolve().parents[2] / "search.py"
HEAVY = ("torch", "transformers", "numba", "hydra", "scipy", "pandas")
LOADED = f"""
import sys
from labrador.finished.prompt import main
code = main(sys.argv[1:])
print(code, *(name for name in {HEAVY} if name in sys.modules))
"""


def test_one_query_one_answer(cells, monkeypatch, capsys):
    monkeypatch.chdir(cells)
    assert main(["run=outputs/bm25", "k=2", "who keeps the blue fox?"]) == 0
    first, head, text, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("run=outputs/bm25: bm25 seed=0 on raw (64 passages), MRR@10 ")
    assert head.split()[0] == "1"
    assert head.endswith("bm25  Blue Fox [p1]")
    assert text.startswith("     The blue fox lives by the river.")
    assert last.startswith("2 passages in ")


def test_without_a_query_lines_are_read_until_one_is_empty(cells, monkeypatch, capsys):
    monkeypatch.chdir(cells)
    monkeypatch.setattr(sys, "stdin", io.StringIO("the red fox\nthe blue fox\n\nthe green fox\n"))
    assert main(["run=best", "k=1"]) == 0
    out = capsys.readouterr().out
    assert out.count("1 passage in") == 2
    assert "query>" not in out  # nobody watches


def test_a_person_is_shown_a_prompt(cells, monkeypatch, capsys):
    monkeypatch.chdir(cells)
    typed = io.StringIO("red fox\n")
    typed.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", typed)
    assert main(["run=outputs/bm25"]) == 0
    assert capsys.readouterr().out.count("query> ") == 2


def test_nothing_found_is_said(cells, monkeypatch, capsys):
    monkeypatch.chdir(cells)
    assert main(["run=outputs/bm25", "xyzzy"]) == 0
    assert "no passage shares a term with the query\n0 passages" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["why is it so"], ("best", 10, None, "why is it so")),
        (["run=a/b", "k=3", "why", "so"], ("a/b", 3, None, "why so")),
        (["run=my runs/3", "store=my store", "why"], ("my runs/3", 10, Path("my store"), "why")),
        (["is x=1 a question?"], ("best", 10, None, "is x=1 a question?")),
        ([], ("best", 10, None, "")),
    ],
)
def test_the_command_line(arguments, expected):
    assert parsed(arguments) == expected


@pytest.mark.parametrize("wrong", ["k=0", "k=many", "k=-1", "depth=3", "--k=3"])
def test_a_wrong_setting_is_reported(wrong):
    with pytest.raises(LabradorError, match=wrong):
        parsed([wrong, "a question"])


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run=nowhere", "why"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: run=nowhere")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_is_no_text_is_reported(cells, monkeypatch, capsys):
    monkeypatch.chdir(cells)
    assert main(["run=outputs/bm25", b"\xff fox".decode(errors="surrogateescape")]) == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff fox\n"), encoding="utf-8"))
    assert main(["run=outputs/bm25"]) == 2
    assert capsys.readouterr().err == 2 * "error: the query is not UTF-8; type it in a UTF-8 terminal\n"


def test_another_store(cells, tmp_path, capsys):
    run = f"run={cells / 'outputs' / 'bm25'}"
    assert main([run, f"store={cells / 'artifacts'}", "k=1", "red fox"]) == 0
    assert "\n1 passage in " in capsys.readouterr().out
    assert main([run, f"store={tmp_path}", "red fox"]) == 2
    assert f"the corpus is not in the store {tmp_path}" in capsys.readouterr().err


def test_interrupted_it_ends(cells, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(prompt, "typed", interrupt)
    monkeypatch.chdir(cells)
    assert main(["run=outputs/bm25"]) == 130


def test_a_reranked_answer_shows_its_place_before(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    long = "words of a text " * 40
    text = shown(Answer(2, 0.5, "p1", "Title", long, "rerank", candidate=14, candidate_score=0.25, candidates=1000))
    head, *lines = text.splitlines()
    assert head == "  2  0.5000  candidate 14 of 1,000 (0.2500), reranked  Title [p1]"
    assert len(lines) == 2
    assert max(map(len, lines)) <= 60
    assert lines[-1].endswith(" ...")


@pytest.mark.parametrize("name", ["outputs/towers", "outputs/bidr"])
def test_it_answers_without_the_slow_imports(cells, name):
    command = [sys.executable, "-c", LOADED, f"run={name}", "who keeps the red fox"]
    done = subprocess.run(command, cwd=cells, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"


def test_the_script_answers(cells):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "run=outputs/bm25", "red fox"],
        cwd=cells, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[p0]" in done.stdout
    usage = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True)
    assert "run=best" in usage.stdout
