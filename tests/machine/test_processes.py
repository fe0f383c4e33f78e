"""Several processes of one run. The parts that need NCCL are tested as far as they are plain Python."""

import subprocess
import sys

import pytest

from labrador.errors import LabradorError
from labrador.machine.processes import backends, check_own_gpus

# Stands in for a cell: process 1 fails where process 0 waits for it, as at any barrier.
FAILING = """
import sys
from types import SimpleNamespace
from labrador import pipeline
from labrador.launcher import sweeps
from labrador.machine import processes
from labrador.errors import LabradorError

def run_cell(config, folder, sweep):
    processes.start()
    if processes.is_main():
        processes.barrier()
    if sys.argv[1] == "known":
        raise LabradorError("data.path=x: expected a folder")
    raise ZeroDivisionError("a fault of Labrador's own")

output = SimpleNamespace(output_dir=sys.argv[2])
sweeps.HydraConfig.get = lambda: SimpleNamespace(runtime=output, mode=None, job=SimpleNamespace(name="run"))
pipeline.run_cell = run_cell
sweeps.run_cell({})
"""


@pytest.mark.parametrize(
    ("kind", "said"), [("known", "error: data.path=x: expected a folder"), ("own", "ZeroDivision")]
)
def test_the_error_of_one_process_ends_all(tmp_path, kind, said):
    script = tmp_path / "failing.py"
    script.write_text(FAILING)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*torchrun, str(script), kind, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert said in done.stderr


def test_what_waits_in_memory_does_not_wait_by_nccl():
    assert backends("cpu") == "gloo"
    assert backends("cuda:1") == "cpu:gloo,cuda:nccl"


def test_two_processes_on_one_gpu_are_refused():
    check_own_gpus([("host-a", "GPU-1"), ("host-a", "GPU-2"), ("host-b", "GPU-1")])
    with pytest.raises(
        LabradorError, match=r"processes 0 and 2 are both on GPU GPU-1 of host-a; expected one .*--nproc-per-node"
    ):
        check_own_gpus([("host-a", "GPU-1"), ("host-a", "GPU-2"), ("host-a", "GPU-1")])
