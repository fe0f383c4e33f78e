"""How a cell is run: its command, its seeds, and what is reported of those that fail. run.py itself is replaced."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from labrador.results import ResultRow
from labrador.tables import running
from labrador.tables.published import Cell, Published
from labrador.tables.request import ROOT, Request
from labrador.tables.running import NOT_RUN, run_cells

NEEDS = {"gpus": 0, "gpu_memory_gb": 0, "disk_gb": 1, "hours": 0}
CELLS = (Cell("One cell", ("retriever=dpr",), {"R@20": 80.0}), Cell("Other", None, {"R@20": 81.0}))
TABLE = Published("made_up", "Made up", "nowhere", NEEDS, ("data=nq",), ("data=beir",), CELLS)


def request(*seeds, processes=1, overrides=()):
    return Request(TABLE, "common", seeds or (0,), processes, overrides)


def row(seed):
    unknown = dict.fromkeys(("sampler", "search", "encoder", "qps", "threads", "commit", "bytes_per_passage"))
    unknown |= dict.fromkeys(("index_bytes", "disk_bytes", "quantizer"))
    unknown |= {"latency_ms": {}, "seconds": {}, "keys": {}, "data": "nq", "device": "cpu", "passages": 9, "queries": 2}
    return ResultRow(retriever="dpr", seed=seed, metrics={"R@20": 0.5 + seed / 100}, **unknown)


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """The commands that were run, in the working folder; `says` of the answer is what a failing seed prints."""
    monkeypatch.chdir(tmp_path)
    answer = SimpleNamespace(run=[], says={})

    def call(command, log):
        answer.run.append(command)
        settings = dict(word.split("=", 1) for word in command if "=" in word)
        seed = int(settings["seed"])
        log.write_text(answer.says.get(seed, ""))
        if seed in answer.says:
            return 2
        row(seed).write(tmp_path / settings["hydra.run.dir"] / "result.json")
        config = tmp_path / settings.pop("hydra.run.dir") / ".hydra" / "config.yaml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(str(sorted(settings.items())))
        return 0

    monkeypatch.setattr(running, "_call", call)
    monkeypatch.setattr(running, "composed", lambda given: str(sorted(tuple(each.split("=", 1)) for each in given)))
    return answer


def test_every_seed_of_every_cell_is_a_run_in_a_folder_of_its_own(commands, capsys):
    (line, other), faults = run_cells(request(0, 2, overrides=("device=cpu",)))
    assert faults == 0
    settings = ["data=nq", "retriever=dpr", "device=cpu"]
    folder = "multirun/tables/made_up/common/one-cell"
    assert commands.run == [
        [sys.executable, str(ROOT / "run.py"), *settings, f"seed={seed}", f"hydra.run.dir={folder}/{seed}"]
        for seed in (0, 2)
    ]
    assert (line.system.label, line.system.seeds, line.why) == ("One cell", (0, 2), "")
    assert line.measured("R@20") == pytest.approx(51.0)
    assert (other.system, other.why) == (None, NOT_RUN)
    assert "[1/2] One cell, seed 2: done in 0 s" in capsys.readouterr().out


def test_several_processes_run_under_torchrun(commands):
    run_cells(request(processes=8))
    ((python, *launcher, script), settings) = commands.run[0][:6], commands.run[0][6:]
    assert python == sys.executable
    assert launcher == ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=8"]
    assert script.endswith("run.py")
    assert settings[0] == "data=nq"


def test_a_seed_that_fails_leaves_the_others_and_is_reported(commands, capsys):
    commands.says = {0: "12:00:00 begins\nerror: data.path=x: no such folder\nin the end\n"}
    (line, _), faults = run_cells(request(0, 1))
    assert faults == 1
    assert line.system.seeds == (1,)
    assert line.why == "failed: data.path=x: no such folder"
    assert capsys.readouterr().err == (
        "[1/2] One cell, seed 0: failed, the others go on: data.path=x: no such folder\n"
    )


def test_a_run_that_dies_without_a_word_is_reported_by_its_code_and_log(commands, tmp_path):
    commands.says = {0: "Traceback (most recent call last)\n"}
    (line, _), faults = run_cells(request())
    assert (line.system, faults) == (None, 1)
    log = "multirun/tables/made_up/common/one-cell/0/output.log"
    assert line.why == f"failed: exit code 2, see {log}"
    assert "Traceback" in (tmp_path / log).read_text()


def test_what_is_finished_with_the_same_settings_is_not_run_again(commands):
    run_cells(request(0))
    run_cells(request(0, 1))
    assert len(commands.run) == 2
    run_cells(request(0, overrides=("device=cpu",)))
    assert len(commands.run) == 3
    run_cells(request(0))
    assert len(commands.run) == 4


def test_a_run_that_failed_leaves_no_result_of_other_settings(commands):
    run_cells(request(0))
    commands.says = {0: "error: device=tpu\n"}
    (line, _), _ = run_cells(request(0, overrides=("device=tpu",)))
    assert line.system is None


def test_a_cell_ends_with_the_one_that_runs_it(tmp_path):
    """Ended by SIGTERM, as a batch system does, it ends its cell and waits for it."""
    cell = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    program = f"""
import sys
from pathlib import Path
from labrador.tables.__main__ import main
from labrador.tables import running
main(["no such table"])
running._call([sys.executable, "-c", {cell!r}], Path("log"))
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.DEVNULL) as tables:
        pid = int(_waited(tmp_path / "log"))
        tables.send_signal(signal.SIGTERM)
        assert tables.wait(timeout=60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _waited(log):
    """What a file holds, once it holds a line."""
    for _ in range(600):
        if log.is_file() and log.read_text().endswith("\n"):
            return log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{log} stayed empty")
