"""Which device a cell computes on. There is no GPU here: torch's and nvidia-smi's answers are stand-ins."""

import logging

import pytest
import torch

from labrador.errors import LabradorError
from labrador.machine import gpus
from labrador.machine.devices import chosen_device, memory_for, own_gpu, pick_device, precision
from labrador.machine.gpus import VISIBLE, Gpu, Listing

NO_SMI = Listing(why="nvidia-smi is not on the PATH")


def touched() -> bool:
    raise AssertionError("CUDA was used before the cell had its GPU")


@pytest.fixture
def machine(monkeypatch):
    """Set what the machine has: what nvidia-smi lists, whether torch is built for CUDA, whether CUDA finds a GPU."""
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)

    def have(listed: Listing, built: bool, available) -> None:
        monkeypatch.setattr(gpus, "listing", lambda: listed)
        monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: built)
        monkeypatch.setattr(torch.cuda, "is_available", available if callable(available) else lambda: available)

    return have


def test_a_listed_gpu_is_chosen_without_cuda(machine):
    machine(Listing([Gpu("GPU-a", 9.0, "H100")]), True, touched)
    assert [chosen_device(name) for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]
    assert precision("cuda") == "bfloat16"


def test_an_older_gpu_computes_in_float32(machine):
    machine(Listing([Gpu("GPU-a", 9.0, "H100"), Gpu("GPU-b", 7.5, "H100")]), True, touched)
    assert precision("cuda") == "float32"  # whichever the cell gets, its keys are the same


def test_gpus_that_cannot_be_listed_are_reported(machine, caplog):
    machine(NO_SMI, True, True)
    with caplog.at_level(logging.WARNING):
        assert chosen_device("auto") == "cuda"
    assert "nvidia-smi is not on the PATH: GPUs cannot be told apart" in caplog.text


def test_a_torch_without_cuda_is_reported(machine, caplog):
    machine(Listing([Gpu("GPU-a", 9.0, "H100")]), False, False)
    with caplog.at_level(logging.WARNING):
        assert chosen_device("auto") == "cpu"
    assert "found 1 GPUs, but torch" in caplog.text
    with pytest.raises(
        LabradorError, match=r"device=cuda: torch .* is built for the CPU only; install a build for CUDA"
    ):
        chosen_device("cuda")


def test_without_a_gpu_cuda_is_refused_with_the_reason(machine, monkeypatch):
    machine(NO_SMI, True, False)
    assert chosen_device("auto") == "cpu"
    with pytest.raises(
        LabradorError, match=r"device=cuda: expected a GPU, but none is visible \(nvidia-smi is not on the PATH\)"
    ):
        chosen_device("cuda")
    monkeypatch.setenv(VISIBLE, "")
    with pytest.raises(LabradorError, match=r"but none is visible \(CUDA_VISIBLE_DEVICES=\); use device=cpu or auto"):
        chosen_device("cuda")


@pytest.mark.parametrize(("rank", "visible", "own"), [(0, 4, 0), (3, 4, 3), (3, 1, 0)])
def test_a_process_of_several_takes_its_own_gpu(monkeypatch, rank, visible, own):
    """Shown all GPUs of the machine, that of its number; shown one, that one, whatever its number."""
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    assert own_gpu(visible) == own


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(LabradorError, match=r"process 2 of this machine sees 2 GPUs; .*--nproc-per-node=2"):
        own_gpu(2)


@pytest.mark.parametrize("name", ["cuda:1", "cuda:0", "tpu", "cudaa"])
def test_a_device_that_training_would_not_use_is_refused(machine, monkeypatch, name):
    machine(Listing([Gpu("GPU-a", 9.0, "H100")] * 4), True, True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(LabradorError, match=f"device={name}: expected auto, cpu or cuda; .* with CUDA_VISIBLE_DEVICES"):
        pick_device(name)


def test_every_process_has_its_own_gpu(machine, monkeypatch):
    machine(Listing([Gpu("GPU-a", 9.0, "H100")] * 4), True, True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "2")
    for name in ("auto", "cuda", "cuda:2"):
        assert pick_device(name) == torch.device("cuda:2")
    assert pick_device("cpu") == torch.device("cpu")


def test_the_only_visible_gpu_is_number_zero(machine, monkeypatch):
    machine(Listing([Gpu("GPU-b", 9.0, "H100")]), True, True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert pick_device("cuda") == torch.device("cuda:0")
    with pytest.raises(LabradorError, match="device=cuda:1: expected auto, cpu or cuda"):
        pick_device("cuda:1")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 40 bytes"),
        RuntimeError("Error in StandardGpuResourcesImpl::allocMemory: cudaMalloc error out of memory [2]"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_full_memory_is_one_line_that_names_the_setting(error):
    with (
        pytest.raises(LabradorError, match=r"^training: out of memory; lower train.batch_size \(.+\)$"),
        memory_for("training", "lower train.batch_size"),
    ):
        raise error


def test_other_errors_keep_their_traceback():
    with pytest.raises(RuntimeError, match="shapes"), memory_for("training", "lower train.batch_size"):
        raise RuntimeError("shapes do not match")
