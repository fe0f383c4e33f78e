"""The processes that torchrun or `accelerate launch` started for this run; without them, one.

torch is imported only if there are several, so that a cached run starts quickly.
"""

import atexit
import logging
import os
import socket
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn

from ..errors import LabradorError

LONGEST_STEP = timedelta(days=7)  # the others wait at barriers while the main one mines or tokenizes


def world_size() -> int:
    """How many processes take part."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number; 0 is the one that writes the store."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """This process's number on its machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main() -> bool:
    """Whether this is the process that writes the store, the result row and the log."""
    return rank() == 0


def start(device: str = "cpu") -> None:
    """Connect the processes until this one ends; does nothing in a single process.

    NCCL carries tensors on GPUs; gloo carries those in memory and the barriers, so a process that waits for the main
    one sleeps, where NCCL would keep a core and the GPU busy. Raises LabradorError if two processes share a GPU.
    """
    if world_size() == 1:
        return
    import torch

    if not torch.distributed.is_initialized():
        if device != "cpu":
            torch.cuda.set_device(device)
        torch.distributed.init_process_group(backends(device), timeout=LONGEST_STEP)
        atexit.register(_stop)
        if device != "cpu":
            check_own_gpus(_gathered((socket.gethostname(), str(torch.cuda.get_device_properties(device).uuid))))


def backends(device: str) -> str:
    """The torch.distributed backends of processes that compute on `device`."""
    return "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"


def _gathered(value: tuple[str, str]) -> list[tuple[str, str]]:
    """The values of all processes by rank."""
    import torch

    box: list[tuple[str, str]] = [value] * world_size()
    torch.distributed.all_gather_object(box, value)
    return box


def check_own_gpus(places: Sequence[tuple[str, str]]) -> None:
    """Raise LabradorError if two processes share a GPU; `places` are their host names and GPUs by rank.

    NCCL would fail or hang without naming it.
    """
    for rank_, place in enumerate(places):
        if place in places[:rank_]:
            raise LabradorError(
                f"processes {places.index(place)} and {rank_} are both on GPU {place[1]} of {place[0]}; expected one "
                "process a GPU; start as many as there are GPUs (torchrun --nproc-per-node=GPUS)"
            )


def end(code: int) -> NoReturn:
    """End this process of several at once; torchrun then ends the others, which may be waiting for it.

    An orderly exit would disconnect first, for which NCCL waits for the others.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stop() -> None:
    """Disconnect: gloo's running threads could abort a process that ends with its work done."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def barrier() -> None:
    """Wait until every process is here."""
    if world_size() > 1:
        import torch

        torch.distributed.all_reduce(torch.zeros(1))  # by gloo; torch's barrier would use NCCL


def broadcast(value: str) -> str:
    """The main process's value."""
    if world_size() == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
    return box[0]
