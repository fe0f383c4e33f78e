"""A GPU for each process: made-up GPUs, real locks and processes."""

import os
import subprocess
import sys
import threading

import pytest
from filelock import FileLock, Timeout
from test_run import SMALL, run

from labrador import gpus
from labrador.gpus import VISIBLE, claimed, visible_gpus

NAMES = ["GPU-a", "GPU-b"]
HOLD = """
import os, sys
from pathlib import Path
from labrador.gpus import claimed
with claimed(lambda: ["GPU-a", "GPU-b"], Path(sys.argv[1])) as name:
    print(name, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def every_gpu(monkeypatch):
    """No GPU is chosen before a test; what it chose is undone after it."""
    for name in (VISIBLE, "WORLD_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def taken(folder):
    """The GPU that a cell of this process gets."""
    with claimed(lambda: NAMES, folder) as name:
        return name


def holder(folder):
    """A process whose cell has a GPU until its input is closed, and what it printed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()


def test_two_processes_have_a_gpu_each_and_a_third_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "WAIT", 0.05)
    first, told = holder(tmp_path)
    assert told == ["GPU-a", "GPU-a"]
    second, told = holder(tmp_path)
    assert told == ["GPU-b", "GPU-b"]
    third: list[str | None] = []
    thread = threading.Thread(target=lambda: third.append(taken(tmp_path)))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()  # both are taken
    second.communicate()
    thread.join(60)
    assert third == ["GPU-b"]
    first.communicate()


def test_a_process_stays_on_its_gpu(tmp_path):
    assert taken(tmp_path) == "GPU-a"
    assert os.environ[VISIBLE] == "GPU-a"
    assert visible_gpus() == ["GPU-a"]


def test_between_two_cells_another_process_has_its_turn(tmp_path):
    with claimed(lambda: ["GPU-a"], tmp_path):
        waiting = FileLock(tmp_path / "GPU-a.lock")
        with pytest.raises(Timeout):
            waiting.acquire(timeout=0)
    waiting.acquire(timeout=0)
    waiting.release()


def test_the_gpu_of_a_cell_that_failed_is_free(tmp_path):
    with pytest.raises(ValueError, match="broken"), claimed(lambda: NAMES, tmp_path):
        raise ValueError("broken")
    FileLock(tmp_path / "GPU-a.lock").acquire(timeout=0).lock.release()


def test_a_gpu_of_a_process_that_was_killed_is_free(tmp_path):
    process, _ = holder(tmp_path)
    process.kill()
    process.communicate()
    assert taken(tmp_path) == "GPU-a"


def test_without_gpus_nothing_is_claimed(tmp_path):
    with claimed(list, tmp_path) as name:
        assert name is None
    assert VISIBLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_torchrun_deals_out_gpus_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert taken(tmp_path) is None
    assert VISIBLE not in os.environ


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, ["GPU-a", "GPU-b"]),
        ("", []),
        ("1", ["GPU-b"]),
        ("1,0", ["GPU-b", "GPU-a"]),
        ("0,7,1", ["GPU-a"]),
        ("GPU-b", ["GPU-b"]),
        ("MIG-x,GPU-a", ["MIG-x", "GPU-a"]),
        ("0,-1,1", ["GPU-a"]),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_the_gpus_that_a_process_may_use(monkeypatch, told, expected):
    monkeypatch.setattr(gpus, "_installed", lambda: NAMES)
    if told is not None:
        monkeypatch.setenv(VISIBLE, told)
    assert visible_gpus() == expected


def test_gpus_are_read_off_nvidia_smi(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf 'GPU-a\\nGPU-b\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert visible_gpus() == NAMES
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert visible_gpus() == []


def test_cells_that_encode_take_a_gpu(tmp_path, beir, monkeypatch):
    """A GPU by name alone: these cells compute on the CPU, which torch finds in the end."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho GPU-a\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    where = ["data=beir", f"data.path={beir}", *SMALL[:-1], "hydra.sweep.dir=it"]
    done = run("-m", "retriever=bm25,pretrained", "device=auto,cpu", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    took = ["GPU GPU-a" in (tmp_path / "it" / str(cell) / "pipeline.log").read_text() for cell in range(4)]
    assert took == [False, False, True, False]


def test_without_nvidia_smi_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
