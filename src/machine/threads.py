"""How many threads compute: faiss's and torch's, and pools whose workers compute with one thread each."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext


def usable_threads() -> int:
    """OMP_NUM_THREADS where it is set (faiss and BLAS heed it), else the usable cores."""
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(said) if said.isdecimal() and int(said) > 0 else len(os.sched_getaffinity(0))


def workers(name: str) -> ThreadPoolExecutor:
    """As many workers as faiss has threads, each of which computes with one thread.

    Work that is shared out among them scales with the cores, while small products that OpenMP spreads over its threads
    take longer with every thread that waits for another (benchmarks/quantizers.py).
    """
    import faiss

    return ThreadPoolExecutor(faiss.omp_get_max_threads(), name, faiss.omp_set_num_threads, (1,))


@contextmanager
def faiss_threads(count: int) -> Iterator[None]:
    """Let faiss use `count` threads inside the block, and what it used before after it."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let faiss and torch use `count` threads inside the block, and what they used before after it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with faiss_threads(count):
            yield
    finally:
        torch.set_num_threads(before)


def for_queries(count: int) -> AbstractContextManager[None]:
    """The threads for `count` queries where faiss gives each thread its own queries: a single one wakes no other."""
    return faiss_threads(1) if count == 1 else nullcontext()
