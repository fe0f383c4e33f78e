"""How many threads faiss computes with; torch and numpy keep their own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext


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
