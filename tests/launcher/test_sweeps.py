"""Sweeps with launchers that run cells in other processes, and what is reported of cells that fail."""

import importlib.util
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest
from omegaconf import OmegaConf
from runner import ROOT, SMALL, results, run, spawn

from labrador import pipeline
from labrador.launcher import launch as launching
from labrador.launcher.launch import launch
from labrador.launcher.messages import killed
from labrador.launcher.sweeps import FAILED, Sweeps, failures, leave_failure, started


def needs(package, extra):
    there = all(importlib.util.find_spec(name) for name in (package.partition(".")[0], package))
    return pytest.mark.skipif(not there, reason=f"the extra `{extra}` is not installed: labrador[{extra}]")


MEASUREMENT = "measurement"  # the step of the store that latency and throughput are
LAUNCHERS = [
    pytest.param(["joblib", "hydra.launcher.n_jobs=2"], marks=needs("hydra_plugins.hydra_joblib_launcher", "joblib")),
    pytest.param(["submitit_local"], marks=needs("hydra_plugins.hydra_submitit_launcher", "submitit")),
    pytest.param(
        ["ray", "+hydra.launcher.ray.init.num_cpus=2", "+hydra.launcher.ray.init.include_dashboard=false"],
        marks=needs("hydra_plugins.hydra_ray_launcher", "ray"),
    ),
]


def steps_made(sweep):
    """The steps that the cells 0 and 1 of a sweep say they made, sorted, each as often as it was made.

    Measurements are left out: one that the other cell disturbed is taken again by the next run.
    """
    logs = "".join(file.read_text() for file in sweep.glob("[01]/run.log"))
    steps = [line.split()[1] for line in logs.splitlines() if line.endswith(": making it")]
    return sorted(step for step in steps if step != MEASUREMENT)


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: launcher[0])
def test_cells_in_other_processes_share_a_training_and_report_their_faults(tmp_path, beir, launcher, monkeypatch):
    """Two cells of one training, and one that cannot be: trained once, two results, one fault, exit code 2."""
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "200")  # on a busy machine it starts slowly
    name, *settings = launcher
    cells = ["retriever=dpr", "quantizer=flat,lsh,pq", "data=beir", f"data.path={beir}", *SMALL]
    arguments = ["-m", f"hydra/launcher={name}", *settings, *cells, "hydra.sweep.dir=multirun/it"]
    done = spawn(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    faults = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(faults) == 1
    assert faults[0].startswith("error: quantizer.codebooks=48: expected a divisor")
    assert [row["quantizer"] for row in results(tmp_path / "multirun")] == ["flat", "lsh"]
    assert len({row["keys"]["fit"] for row in results(tmp_path / "multirun")}) == 1
    stored = [file.parts[-3] for file in (tmp_path / "artifacts").glob("*/*/manifest.json")]
    made = sorted(step for step in stored if step != MEASUREMENT)
    assert steps_made(tmp_path / "multirun" / "it") == made  # each by one process
    assert made.count("fit") == 1
    assert (tmp_path / "multirun" / "it" / "2" / FAILED).read_text().startswith("quantizer.codebooks=48")
    assert not (tmp_path / "multirun" / "it" / "2" / "result.json").exists()

    again = spawn(*[argument.replace("lsh,pq", "lsh") for argument in arguments], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert steps_made(tmp_path / "multirun" / "it") == made  # nothing more
    assert not list((tmp_path / "multirun").rglob(FAILED))


def test_seeds_are_an_axis(tmp_path, beir):
    done = run("-m", "retriever=bm25", "seed=0,1", "data=beir", f"data.path={beir}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["seed"] for row in results(tmp_path / "multirun")] == [0, 1]


def test_a_cell_that_breaks_is_reported_with_its_log_and_the_others_go_on(tmp_path, beir):
    """What is no mistake of the user's: a store that the second cell cannot read."""
    where = ["data=beir", f"data.path={beir}", "hydra.sweep.dir=multirun/it"]
    (tmp_path / "plain").write_text("no folder")
    done = run("-m", "retriever=bm25", "store=plain/store,artifacts", *where, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert len(results(tmp_path / "multirun")) == 1


def test_a_killed_job_is_reported_on_one_line(monkeypatch, capsys):
    """As Slurm kills one that is out of memory or time."""
    utils = pytest.importorskip("submitit.core.utils", reason="needs the extra `submitit`")

    def lost():
        raise utils.UncompletedJobError("Job 7 (task: 0)\nhas not produced any output")

    monkeypatch.setattr(launching.hydra, "main", lambda **settings: lambda cell: lost)
    monkeypatch.setattr(sys, "argv", ["run.py", "-m"])
    assert launch(ROOT / "conf") == 2
    assert capsys.readouterr().err == (
        "error: a process of the sweep was killed (Job 7 (task: 0) has not produced any output); started again, it "
        "continues from what is finished\n"
    )


def test_what_is_a_fault_of_the_program_is_not_called_killed():
    assert killed(BrokenProcessPool("gone"))
    assert not killed(ValueError("wrong"))


def test_failures_are_reported_in_the_order_of_the_cells(tmp_path):
    for number in (10, 9, 0):
        leave_failure(tmp_path / str(number), f"cell {number}\nfailed")
    (tmp_path / "3").mkdir()
    leave_failure(tmp_path / "11", "cell 0 failed")
    assert failures(tmp_path) == [
        f"cell 0 failed (in {tmp_path / '0'}, {tmp_path / '11'})",
        f"cell 9 failed (in {tmp_path / '9'})",
        f"cell 10 failed (in {tmp_path / '10'})",
    ]
    assert failures(tmp_path / "nowhere") == []


def test_a_sweep_starts_without_the_failures_of_the_last_time_and_says_where_it_is(tmp_path):
    sweep, note = tmp_path / "sweep", tmp_path / "note.txt"
    leave_failure(sweep / "0", "why")
    (sweep / "0" / "result.json").write_text("{}")
    assert started(note) is None
    Sweeps(str(note)).on_multirun_start(OmegaConf.create({"hydra": {"sweep": {"dir": str(sweep)}}}))
    assert started(note) == sweep
    assert failures(sweep) == failures(None) == []
    assert [path.name for path in (sweep / "0").iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "ro/run"), "ro/run: cannot be read or written (Permission denied); "),
        (OSError(28, "No space left on device"), "the folder of the run: cannot be read or written (No space left"),
        (RuntimeError('Could not detect "srun", are you on a cluster?'), "hydra/launcher=submitit_slurm: Could not"),
    ],
)
def test_what_cannot_be_written_or_is_missing_is_reported_on_one_line(monkeypatch, capsys, error, message):
    def broken():
        raise error

    monkeypatch.setattr(launching.hydra, "main", lambda **settings: lambda cell: broken)
    monkeypatch.setattr(sys, "argv", ["run.py", "-m"])
    assert launch(ROOT / "conf") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_run_that_fails_in_the_folder_of_another_leaves_no_result_of_that(tmp_path, beir):
    where = ["data=beir", f"data.path={beir}", "hydra.run.dir=outputs/it", *SMALL]
    assert run("retriever=bm25", *where, cwd=tmp_path).returncode == 0
    assert len(results(tmp_path)) == 1
    assert run("retriever=pretrained", "quantizer=pq", "quantizer.codebooks=5", *where, cwd=tmp_path).returncode == 2
    assert results(tmp_path) == []


def test_a_refused_file_is_reported_by_name_and_leaves_no_folder(tmp_path, beir, monkeypatch, capsys):
    """A stand-in for missing rights, which tests that run as root do not lack."""

    def refused(config, folder, sweep):
        raise PermissionError(13, "Permission denied", str(beir / "corpus.jsonl"))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "run_cell", refused)
    for arguments in ([], ["-m"]):
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
        assert launch(ROOT / "conf") == 2
        (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
        assert line.startswith(f"error: {beir / 'corpus.jsonl'}: cannot be read or written (Permission denied); ")
        assert "hydra.run.dir" not in line
    assert not (tmp_path / "outputs").exists()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["multirun.yaml", "failed.txt"]
