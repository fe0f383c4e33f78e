"""The processes that torchrun or `accelerate launch` started for this run; one process without them.

torch is imported only when there is more than one process, so that a cached run starts quickly.
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

LONGEST_STEP = timedelta(days=7)  # processes wait at barriers while the first one mines or tokenizes


def world_size() -> int:
    """How many processes take part."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number; 0 is the one that writes the store."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """This process's number on its machine: which of its GPUs it uses."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main() -> bool:
    """Whether this is the process that writes the store, the result row and the log."""
    return rank() == 0


def start(device: str = "cpu") -> None:
    """Connect the processes until this one ends; does nothing in a single process.

    Tensors on a GPU go by NCCL, those in memory by gloo, and barriers with them: a process that waits for the main one
    to mine or tokenize sleeps, where NCCL would keep a core and the GPU busy. Raises LabradorError when two processes
    have one GPU.
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
    """What carries the tensors of processes that compute on `device`, in torch.distributed's words."""
    return "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"


def _gathered(value: tuple[str, str]) -> list[tuple[str, str]]:
    """The values of all processes, in the order of their ranks, in each."""
    import torch

    box: list[tuple[str, str]] = [value] * world_size()
    torch.distributed.all_gather_object(box, value)
    return box


def check_own_gpus(places: Sequence[tuple[str, str]]) -> None:
    """Raise LabradorError when two processes are on one GPU; `places` are host name and GPU of each, by rank.

    NCCL would stop, or wait for ever, without naming it.
    """
    for rank_, place in enumerate(places):
        if place in places[:rank_]:
            raise LabradorError(
                f"processes {places.index(place)} and {rank_} are both on GPU {place[1]} of {place[0]}; start as many "
                "processes as there are GPUs (torchrun --nproc-per-node=GPUS)"
            )


def end(code: int) -> NoReturn:
    """End this process of several at once, without waiting for the others, who may be waiting for it.

    torchrun ends them with it. An orderly exit would disconnect first, for which NCCL waits on the others.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stop() -> None:
    """Disconnect: a process that ends with gloo's threads running may be aborted by them after its work is done."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def barrier() -> None:
    """Wait until every process is here."""
    if world_size() > 1:
        import torch

        torch.distributed.all_reduce(torch.zeros(1))  # by gloo; torch's barrier would take NCCL's where there is one


def broadcast(value: str) -> str:
    """The main process's value, in every process."""
    if world_size() == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
    return box[0]
