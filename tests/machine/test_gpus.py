"""A GPU for each process: stand-ins for the GPUs and for nvidia-smi, real locks and processes."""

import os
import subprocess
import sys
import threading

import pytest
from filelock import FileLock, Timeout

from labrador.machine import gpus
from labrador.machine.gpus import CHOICE, VISIBLE, Gpu, Lease, Listing, least_capability, listing, models, visible_gpus

NAMES = ["GPU-a", "GPU-b"]
LISTED = Listing([Gpu(name, 8.0, "H100") for name in NAMES])
HOLD = """
import os, sys
from pathlib import Path
from labrador.machine import gpus
gpus.visible_gpus = lambda: ["GPU-a", "GPU-b"]
with gpus.Lease(Path(sys.argv[1])) as lease:
    lease.take()
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def every_gpu(monkeypatch):
    """No GPU is chosen before a test; what it chose is undone after it."""
    for name in (VISIBLE, CHOICE, "WORLD_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def nvidia_smi(folder, monkeypatch, *lines: str) -> None:
    """An nvidia-smi that runs these lines, first on the PATH."""
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\n" + "".join(f"{line}\n" for line in lines))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def taken(folder):
    """The GPU that a cell of this process gets, in CUDA's words."""
    with Lease(folder) as lease:
        lease.take()
        return os.environ.get(VISIBLE)


def holder(folder):
    """A process whose cell has a GPU until its input is closed, and what it printed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_two_processes_have_a_gpu_each_and_a_third_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "WAIT", 0.05)
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    first, name = holder(tmp_path)
    assert name == "GPU-a"
    second, name = holder(tmp_path)
    assert name == "GPU-b"
    third: list[str | None] = []
    thread = threading.Thread(target=lambda: third.append(taken(tmp_path)))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()  # both are taken
    second.communicate()
    thread.join(60)
    assert third == ["GPU-b"]
    first.communicate()


def test_a_process_stays_on_its_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    assert taken(tmp_path) == "GPU-a"
    assert visible_gpus() == ["GPU-a"]


def test_a_lease_that_nothing_asked_for_takes_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    with Lease(tmp_path):
        pass
    assert VISIBLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_between_two_cells_another_process_has_its_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    waiting = FileLock(tmp_path / "GPU-a.lock")
    with Lease(tmp_path) as lease:
        lease.take()
        lease.take()  # by a later step of the same cell
        with pytest.raises(Timeout):
            waiting.acquire(timeout=0)
    waiting.acquire(timeout=0)
    waiting.release()


def test_the_gpu_of_a_cell_that_failed_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)

    def cell() -> None:
        with Lease(tmp_path) as lease:
            lease.take()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cell()
    FileLock(tmp_path / "GPU-a.lock").acquire(timeout=0).lock.release()


def test_a_gpu_of_a_process_that_was_killed_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    process, _ = holder(tmp_path)
    process.kill()
    process.communicate()
    assert taken(tmp_path) == "GPU-a"


def test_without_gpus_nothing_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", Listing)
    assert taken(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_torchrun_deals_out_gpus_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert taken(tmp_path) is None


@pytest.mark.parametrize(
    ("setting", "expected"),
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
def test_the_gpus_that_a_process_may_use(monkeypatch, setting, expected):
    monkeypatch.setattr(gpus, "listing", lambda: LISTED)
    if setting is not None:
        monkeypatch.setenv(VISIBLE, setting)
    assert visible_gpus() == expected


@pytest.mark.parametrize(
    ("setting", "expected"), [(None, 7.5), ("0", 9.0), ("1", 7.5), ("MIG-x", 7.5), ("GPU-a,MIG-x", 9.0), ("", None)]
)
def test_the_least_capability_of_the_gpus_that_a_cell_may_get(monkeypatch, setting, expected):
    monkeypatch.setattr(gpus, "listing", lambda: Listing([Gpu("GPU-a", 9.0, "H100"), Gpu("GPU-b", 7.5, "H100")]))
    if setting is not None:
        monkeypatch.setenv(VISIBLE, setting)
    assert least_capability() == expected


def test_a_cell_that_has_its_gpu_computes_in_the_precision_that_its_keys_hold(tmp_path, monkeypatch):
    """Of two unlike GPUs the better one is free: what both can do stays what counts."""
    monkeypatch.setattr(gpus, "listing", lambda: Listing([Gpu("GPU-a", 9.0, "H100"), Gpu("GPU-b", 7.5, "T4")]))
    assert least_capability() == 7.5
    assert taken(tmp_path) == "GPU-a"
    assert (least_capability(), models()) == (7.5, ["H100"])


def test_the_models_that_a_cell_may_get_are_known_without_cuda(monkeypatch):
    monkeypatch.setattr(gpus, "listing", lambda: Listing([Gpu("GPU-a", 9.0, "H100"), Gpu("GPU-b", 8.0, "A100")]))
    assert models() == ["A100", "H100"]
    monkeypatch.setenv(VISIBLE, "GPU-b")
    assert models() == ["A100"]


def test_gpus_are_read_off_nvidia_smi(tmp_path, monkeypatch):
    nvidia_smi(tmp_path, monkeypatch, "printf 'GPU-a, 9.0, H100\\nGPU-b, 7.5, H100\\n'")
    assert listing() == Listing([Gpu("GPU-a", 9.0, "H100"), Gpu("GPU-b", 7.5, "H100")])


def test_an_nvidia_smi_that_fails_is_reported(tmp_path, monkeypatch):
    nvidia_smi(tmp_path, monkeypatch, "echo 'NVIDIA-SMI has failed'", "exit 9")
    assert listing() == Listing(why="nvidia-smi failed with exit code 9: NVIDIA-SMI has failed")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert listing() == Listing(why="nvidia-smi is not on the PATH")
    assert visible_gpus() == []
