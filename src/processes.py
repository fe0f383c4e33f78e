"""The processes that torchrun or `accelerate launch` started for this run; one process without them.

torch is imported only when there is more than one process, so that a cached run starts quickly.
"""

import atexit
import os
from datetime import timedelta

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
    """Connect the processes (NCCL on GPUs, gloo on the CPU) until this one ends; does nothing in a single process."""
    if world_size() == 1:
        return
    import torch

    if not torch.distributed.is_initialized():
        if device != "cpu":
            torch.cuda.set_device(device)
        backend = "gloo" if device == "cpu" else "nccl"
        torch.distributed.init_process_group(backend, timeout=LONGEST_STEP)
        atexit.register(_stop)


def _stop() -> None:
    """Disconnect: a process that ends with gloo's threads running may be aborted by them after its work is done."""
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def barrier() -> None:
    """Wait until every process is here."""
    if world_size() > 1:
        import torch

        torch.distributed.barrier()


def broadcast(value: str) -> str:
    """The main process's value, in every process."""
    if world_size() == 1:
        return value
    import torch

    box = [value]
    torch.distributed.broadcast_object_list(box, src=0)
    return box[0]
