"""The hardware that a run uses: what latency and throughput depend on besides the code."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import gpus, processes

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """The part of a machine that this process may use."""

    processor: str  # "AMD EPYC 9R14"
    cores: int  # physical
    threads: int  # hardware threads: more than cores if a core runs two
    gpu: str | None  # "NVIDIA H100 80GB HBM3", "8 x ..." for the processes of torchrun; None: no GPU was used


def this_machine(device: str) -> Machine:
    """The machine as a run on `device` uses it; without its GPU on "cpu"."""
    cpus = frozenset(os.sched_getaffinity(0))
    cpuinfo = CPUINFO.read_text(encoding="utf-8") if CPUINFO.exists() else ""
    processor, cores = read_processor(cpuinfo, cpus)
    return Machine(processor, cores, len(cpus), None if device == "cpu" else _gpu())


def read_processor(cpuinfo: str, cpus: frozenset[int]) -> tuple[str, int]:
    """The processor's name and the number of cores of the hardware threads `cpus`, from the text of /proc/cpuinfo.

    If the kernel does not name the processor (ARM), it is lscpu's name or the architecture; if the kernel does not say
    which threads share a core, each counts as one.
    """
    name, cores = "", set()
    for block in cpuinfo.split("\n\n"):
        lines = (line.partition(":") for line in block.splitlines())
        entries = {key.strip(): value.strip() for key, _, value in lines}
        number = entries.get("processor", "")
        if number.isdecimal() and int(number) in cpus:
            name = name or entries.get("model name", "")
            cores.add((entries.get("physical id"), entries.get("core id", number)))
    return name or _named_by_lscpu() or platform.machine(), len(cores) or len(cpus)


def _named_by_lscpu() -> str:
    try:
        done = subprocess.run(["lscpu"], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.CalledProcessError):
        return ""
    lines = (line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    return next((value.strip() for key, value in lines if key == "Model name"), "")


def _gpu() -> str:
    """The GPU's model as nvidia-smi lists it: a cell that found everything in the store never starts CUDA."""
    name, count = " or ".join(gpus.models()), processes.world_size()
    if not name:
        import torch

        name = torch.cuda.get_device_name()
    return name if count == 1 else f"{count} x {name}"
