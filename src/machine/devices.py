"""The device that computes, its precision, and the error when its memory is full."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import LabradorError
from . import gpus, processes

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

BFLOAT16 = 8.0  # least compute capability of GPUs that multiply bfloat16 matrices in hardware
FULL = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed", "bad_alloc")


@dataclass(frozen=True)
class Device:
    """What a cell computes on: "cpu" or "cuda" (of several processes, this one's "cuda:N"), and its claim to a GPU."""

    name: str
    gpu: gpus.Lease


def chosen_device(name: str) -> Literal["cpu", "cuda"]:
    """What a cell's `device` (auto, cpu, cuda) means here: auto is cuda if there is a GPU that torch can use.

    Decided without CUDA, which a cell must not start before it has its GPU (gpus.py). Raises LabradorError for cuda
    without such a GPU.
    """
    if name == "cpu":
        return "cpu"
    import torch

    names, built = gpus.visible_gpus(), torch.backends.cuda.is_built()
    if names and not built:
        if name == "cuda":
            raise LabradorError(
                f"device=cuda: torch {torch.__version__} is built for the CPU only; install a build for CUDA, or use "
                "device=cpu"
            )
        log.warning("found %d GPUs, but torch %s is built for the CPU only", len(names), torch.__version__)
        return "cpu"
    if names:
        return "cuda"
    if built and torch.cuda.is_available():
        if processes.world_size() == 1:
            log.warning(
                "%s: GPUs cannot be told apart, so every cell on this machine computes on the first; put a working "
                "nvidia-smi on the PATH, or give each process its own GPU with %s",
                gpus.listing().why,
                gpus.VISIBLE,
            )
        return "cuda"
    if name == "cuda":
        raise LabradorError(f"device=cuda: expected a GPU, but none is visible{_why_none()}; use device=cpu or auto")
    return "cpu"


def _why_none() -> str:
    """Why no GPU is visible, in brackets; empty if unknown."""
    if os.environ.get(gpus.VISIBLE) is not None:
        return f" ({gpus.VISIBLE}={os.environ[gpus.VISIBLE]})"
    why = gpus.listing().why
    return f" ({why})" if why else ""


def pick_device(name: str = "auto") -> "torch.device":
    """The device to compute on: cpu, cuda (this process's GPU), or auto (that GPU if there is one).

    The name of a device that it returned gives the same device. Raises LabradorError for cuda without a GPU and for any
    other name, also that of another process's GPU.
    """
    import torch

    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if name != "auto" and name.partition(":")[0] != "cuda":
        raise LabradorError(f"device={name}: expected auto, cpu or cuda; choose a GPU with CUDA_VISIBLE_DEVICES")
    if not torch.cuda.is_available():
        raise LabradorError(f"device={name}: expected a GPU, but none is visible{_why_none()}; use device=cpu or auto")
    gpu = f"cuda:{own_gpu(torch.cuda.device_count())}"
    if name not in ("auto", "cuda", gpu):
        raise LabradorError(f"device={name}: expected auto, cpu or cuda; choose a GPU with CUDA_VISIBLE_DEVICES")
    return torch.device(gpu)


def own_gpu(visible: int) -> int:
    """The number of this process's GPU among the one or more `visible` ones.

    A launcher shows each process either its own GPU or all of the machine, of which it takes the one with its number.
    Raises LabradorError if there are several GPUs, but fewer than processes.
    """
    if visible == 1:
        return 0
    if processes.local_rank() >= visible:
        raise LabradorError(
            f"process {processes.local_rank()} of this machine sees {visible} GPUs; start {visible} processes "
            f"(--nproc-per-node={visible}), one for each"
        )
    return processes.local_rank()


def precision(device: "torch.device | str") -> Literal["bfloat16", "float32"]:
    """The fastest precision for matrix products that costs no quality: bfloat16 if the hardware has it.

    For a GPU it comes from nvidia-smi, so a key can hold it before CUDA is used.
    """
    import torch

    if str(device).partition(":")[0] == "cuda" or (str(device) == "auto" and torch.cuda.is_available()):
        least = gpus.least_capability()
        if least is None:
            least = torch.cuda.get_device_capability(pick_device(str(device)))[0]
        return "bfloat16" if least >= BFLOAT16 else "float32"
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"


@contextmanager
def memory_for(what: str, remedy: str) -> Iterator[None]:
    """Report memory that runs out, the GPU's or the machine's, on one line: `what` was running, and the `remedy`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        line = " ".join(str(error).split())
        if not isinstance(error, MemoryError) and not any(sign in line.lower() for sign in FULL):
            raise
        raise LabradorError(f"{what}: out of memory; {remedy} ({line[:160] or type(error).__name__})") from error
