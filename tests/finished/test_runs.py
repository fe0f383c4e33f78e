"""Finding and opening a run's folder."""

import shlex
import shutil

import pytest

from labrador.errors import LabradorError
from labrador.finished.runs import best_run, choose, open_run
from labrador.results import read


def test_a_run_has_its_settings_its_command_and_its_store(cells):
    run = open_run(cells / "outputs" / "bidr")
    assert run.row.retriever == "bidr"
    assert run.settings["encoder"]["projection"] == 16
    assert run.settings["quantizer"]["temperature"] == run.settings["encoder"]["temperature"]  # was ${encoder...}
    assert run.split == "test"
    assert run.command.startswith("python run.py retriever=bidr retriever.centroids=16 ")
    assert run.store.root == cells / "artifacts"


def test_a_prefix_with_a_space_is_quoted_in_the_command(cells):
    assert "encoder.query_prefix='query: '" in shlex.split(open_run(cells / "multirun" / "opq" / "0").command)


def test_the_best_run_has_the_highest_mrr(cells, monkeypatch):
    monkeypatch.chdir(cells)
    scores = {path.parent: read(path).metrics["MRR@10"] for path in cells.rglob("result.json")}
    assert scores[best_run()] == max(scores.values())
    assert choose("best").folder == best_run()
    assert choose("outputs/bm25").row.retriever == "bm25"
    assert choose("outputs/bm25/result.json").folder == choose("outputs/bm25").folder


def test_runs_and_store_may_be_moved_together(cells, tmp_path, monkeypatch):
    shutil.copytree(cells / "outputs" / "bm25", tmp_path / "run")
    (tmp_path / "artifacts").mkdir()
    hydra = tmp_path / "run" / ".hydra" / "hydra.yaml"
    hydra.write_text(hydra.read_text().replace(f"cwd: {cells}", f"cwd: {tmp_path / 'gone'}"))
    monkeypatch.chdir(tmp_path)
    assert open_run(tmp_path / "run").store.root.resolve() == tmp_path / "artifacts"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", r"run=nowhere: no result\.json there.*name a run's folder, or run=best"),
        ("multirun/dense", "name one of the runs below it"),
        ("best", "no finished run with an MRR@10 below outputs/ or multirun/"),
    ],
)
def test_what_is_no_run_is_reported(cells, tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path if name == "best" else cells)
    with pytest.raises(LabradorError, match=message) as caught:
        choose(name)
    assert "\n" not in str(caught.value)


def test_a_store_that_is_not_there_is_reported(cells, tmp_path):
    with pytest.raises(LabradorError, match=r"its store .*gone does not exist; name its folder: store=FOLDER"):
        open_run(cells / "outputs" / "bm25", tmp_path / "gone")
    assert choose(str(cells / "outputs" / "bm25"), tmp_path).store.root == tmp_path


@pytest.mark.parametrize("file", ["config", "hydra", "overrides"])
def test_a_run_without_its_settings_is_reported(cells, tmp_path, file):
    shutil.copytree(cells / "outputs" / "bm25", tmp_path / "run")
    (tmp_path / "run" / ".hydra" / f"{file}.yaml").unlink()
    with pytest.raises(
        LabradorError, match=rf"{file}\.yaml: expected .* .No such file or directory.; run that cell again"
    ):
        open_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config", "a: [", "expected the run's settings"),
        ("config", "a: ${b}", "expected the run's settings"),
        ("config", "a: 1", "data is missing"),
        ("config", "- 1", "data is missing"),
        ("hydra", "hydra: 1", "expected hydra.runtime.cwd"),
        ("hydra", "a: [", "expected hydra.runtime.cwd .while parsing"),
        ("overrides", "a: 1", "expected a list of the command line's settings"),
    ],
)
def test_broken_settings_are_reported(cells, tmp_path, file, content, message):
    shutil.copytree(cells / "outputs" / "bm25", tmp_path / "run")
    (tmp_path / "run" / ".hydra" / f"{file}.yaml").write_text(content)
    with pytest.raises(LabradorError, match=rf"{file}\.yaml: .*{message}") as caught:
        open_run(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_setting_of_another_version_names_the_run(cells):
    run = open_run(cells / "outputs" / "bidr")
    with pytest.raises(
        LabradorError,
        match=r"bidr: it is of another version of Labrador \(search\.depth=3: expected .*run the cell again",
    ):
        run.part_of("search", run.settings["search"] | {"depth": 3})
