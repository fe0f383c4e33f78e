"""Which device computes, in which precision, and what is said when its memory is full."""

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

SETTINGS = ("auto", "cpu", "cuda")
BFLOAT16 = 8.0  # compute capability from which a GPU multiplies bfloat16 matrices in hardware
FULL = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed", "bad_alloc")


@dataclass(frozen=True)
class Device:
    """What a cell computes on: "cpu" or "cuda" (of several processes, this one's "cuda:N"), and its claim to a GPU."""

    name: str
    gpu: gpus.Lease


def chosen_device(name: str) -> Literal["cpu", "cuda"]:
    """What a cell's `device`, one of SETTINGS, means here: auto is cuda where there is a GPU that torch can use.

    Decided without CUDA, which a cell must not touch before it has its GPU (gpus.py). Raises LabradorError for cuda
    without such a GPU.
    """
    if name == "cpu":
        return "cpu"
    import torch

    names, built = gpus.visible_gpus(), torch.backends.cuda.is_built()
    if names and not built:
        if name == "cuda":
            raise LabradorError(
                f"device=cuda: torch {torch.__version__} is built for the CPU alone; install a build for CUDA, or use "
                "device=cpu"
            )
        log.warning("%d GPUs are here, but torch %s is built for the CPU alone", len(names), torch.__version__)
        return "cpu"
    if names:
        return "cuda"
    if built and torch.cuda.is_available():
        if processes.world_size() == 1:
            log.warning(
                "%s: GPUs cannot be distinguished, so every cell of this machine computes on the first one; put a "
                "working nvidia-smi on the PATH, or give each process its own GPU with %s",
                gpus.listing().why,
                gpus.VISIBLE,
            )
        return "cuda"
    if name == "cuda":
        raise LabradorError(f"device=cuda: no GPU is visible here{_why_none()}; use device=cpu or auto")
    return "cpu"


def _why_none() -> str:
    """In brackets, why no GPU is visible; empty where that is unknown."""
    if os.environ.get(gpus.VISIBLE) is not None:
        return f" ({gpus.VISIBLE}={os.environ[gpus.VISIBLE]})"
    why = gpus.listing().why
    return f" ({why})" if why else ""


def pick_device(name: str = "auto") -> "torch.device":
    """The device to compute on now: cpu, cuda, which is this process's GPU, or auto, that GPU where there is one.

    A device that it picked, as a string, picks itself. Raises LabradorError for CUDA without a GPU and for any other
    name, the GPUs of other processes among them: training uses this process's.
    """
    import torch

    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if name != "auto" and name.partition(":")[0] != "cuda":
        raise LabradorError(f"device={name}: expected auto, cpu or cuda; choose a GPU with CUDA_VISIBLE_DEVICES")
    if not torch.cuda.is_available():
        raise LabradorError(f"device={name}: no GPU is visible here{_why_none()}; use device=cpu or auto")
    gpu = f"cuda:{own_gpu(torch.cuda.device_count())}"
    if name not in ("auto", "cuda", gpu):
        raise LabradorError(f"device={name}: expected auto, cpu or cuda; choose a GPU with CUDA_VISIBLE_DEVICES")
    return torch.device(gpu)


def own_gpu(visible: int) -> int:
    """The number of this process's GPU among those `visible` to it, of which there is at least one.

    A launcher shows each process all GPUs of its machine, of which it takes the one of its number, or its own alone.
    Raises LabradorError where there are several, but fewer than processes.
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
    """The fastest precision the device multiplies matrices in without harm: bfloat16 where the hardware has it.

    Of a GPU it is known before CUDA is used, from what nvidia-smi lists, so that a key can hold it.
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
    """Report memory that runs out, a GPU's or the machine's, in one line: `what` was at work, and the `remedy`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        line = " ".join(str(error).split())
        if not isinstance(error, MemoryError) and not any(sign in line.lower() for sign in FULL):
            raise
        raise LabradorError(f"{what}: out of memory; {remedy} ({line[:160] or type(error).__name__})") from error
