"""Which device computes, and in which precision."""

from typing import TYPE_CHECKING, Literal

from . import processes
from .errors import LabradorError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> "torch.device":
    """The device of a setting: cpu, cuda, cuda:1 ..., or auto, which is this process's GPU where there is one.

    Raises LabradorError for CUDA without a GPU and for any other name.
    """
    import torch

    if name not in ("auto", "cpu") and not name.startswith("cuda"):
        raise LabradorError(f"device={name}: auto, cpu or cuda was expected")
    if name == "auto":
        name = f"cuda:{processes.local_rank()}" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise LabradorError(f"device={name}: no GPU is visible here; use device=cpu or auto")
    return torch.device(name)


def precision(device: "torch.device | str") -> Literal["bfloat16", "float32"]:
    """The fastest precision the device multiplies matrices in without harm: bfloat16 where the hardware has it."""
    import torch

    kind = pick_device(str(device)).type
    if kind == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if kind == "cpu" and torch.cpu._is_avx512_bf16_supported() else "float32"
