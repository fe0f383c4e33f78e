"""How many threads faiss computes with; torch and numpy keep their own."""

from collections.abc import Iterator
from contextlib import contextmanager


def set_threads(count: int) -> None:
    """Let faiss use `count` threads in training, encoding and search from now on."""
    import faiss

    faiss.omp_set_num_threads(count)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let faiss and torch use `count` threads inside the block, and what they used before after it."""
    import faiss
    import torch

    before = faiss.omp_get_max_threads(), torch.get_num_threads()
    faiss.omp_set_num_threads(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before[0])
        torch.set_num_threads(before[1])
