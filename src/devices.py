"""Which device computes, and in which precision."""

from typing import TYPE_CHECKING, Literal

from . import processes
from .errors import LabradorError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> "torch.device":
    """The device of a setting: cpu, cuda, which is this process's GPU, or auto, which is that GPU where there is one.

    A device that it picked, as a string, picks itself. Raises LabradorError for CUDA without a GPU and for any other
    name, the GPUs of other processes among them: training uses this process's.
    """
    import torch

    gpu = f"cuda:{processes.local_rank()}"
    if name not in ("auto", "cpu", "cuda", gpu):
        raise LabradorError(f"device={name}: auto, cpu or cuda was expected; choose a GPU with CUDA_VISIBLE_DEVICES")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise LabradorError(f"device={name}: no GPU is visible here; use device=cpu or auto")
    return torch.device(gpu)


def precision(device: "torch.device | str") -> Literal["bfloat16", "float32"]:
    """The fastest precision the device multiplies matrices in without harm: bfloat16 where the hardware has it."""
    import torch

    kind = pick_device(str(device)).type
    if kind == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if kind == "cpu" and torch.cpu._is_avx512_bf16_supported() else "float32"
