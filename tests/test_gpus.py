"""A GPU for each process: made-up GPUs, real locks and processes."""

import os
import subprocess
import sys
import threading

import pytest

from labrador import gpus
from labrador.gpus import VISIBLE, claim, visible_gpus

NAMES = ["GPU-a", "GPU-b"]
HOLD = """
import os, sys
from pathlib import Path
from labrador.gpus import claim
print(claim(lambda: ["GPU-a", "GPU-b"], Path(sys.argv[1])), os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def released(monkeypatch):
    """No GPU before a test, and none kept after it."""
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    yield
    for lock in gpus._own.values():
        lock.release()
    gpus._own.clear()


def holder(folder):
    """A process that claims a GPU and keeps it until its input is closed, and what it printed."""
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
    thread = threading.Thread(target=lambda: third.append(claim(lambda: NAMES, tmp_path)))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()  # both are taken
    second.communicate()
    thread.join(60)
    assert third == ["GPU-b"]
    first.communicate()


def test_a_process_keeps_its_gpu(tmp_path):
    assert claim(lambda: NAMES, tmp_path) == "GPU-a"
    assert claim(lambda: NAMES, tmp_path) == "GPU-a"
    assert os.environ[VISIBLE] == "GPU-a"


def test_a_gpu_of_a_process_that_was_killed_is_free(tmp_path):
    process, _ = holder(tmp_path)
    process.kill()
    process.communicate()
    assert claim(lambda: NAMES, tmp_path) == "GPU-a"


def test_without_gpus_nothing_is_claimed(tmp_path):
    assert claim(list, tmp_path) is None
    assert VISIBLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_torchrun_deals_out_gpus_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert claim(lambda: NAMES, tmp_path) is None
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


def test_without_nvidia_smi_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
