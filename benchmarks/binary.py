"""How fast binary codes are searched in two stages, and their margin loss computed, compared with the plain way.

    python benchmarks/binary.py --passages 1000000 --bits 768 --threads 2

Prints two Markdown tables of medians over alternating rounds. Search: candidates of a batch of queries and their
rerank by <q, code>; the peers are faiss.IndexBinaryFlat's candidate search alone, and the same followed by
numpy.unpackbits and einsum. Loss: forward and backward compared with a formulation that selects (query, negative) by a
boolean mask, with the largest tensor of each.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from labrador.indexes.base import QueryVectors
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.losses.bpr import margin_ranking
from labrador.quantizers.hash import HashCodec

CANDIDATES = 1000


def rounds(calls: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """The median seconds of each call over `times` rounds in which all take turns, after one that warms up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(times + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                taken[name].append(time.perf_counter() - start)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


def searching(passages: int, bits: int, count: int, times: int) -> None:
    """Two-stage search over random codes."""
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 256, (passages, bits // 8), dtype=np.uint8)
    queries = generator.standard_normal((count, bits), dtype=np.float32)
    codec = HashCodec(None, bits)
    query_codes = codec.encode(queries)
    ours = TwoStage(candidates=CANDIDATES).build(Searchable(codec, codes))
    peer = faiss.IndexBinaryFlat(bits)
    peer.add(codes)

    def unpacked(rows: slice) -> NDArray[np.int64]:
        _, ids = peer.search(query_codes[rows], CANDIDATES)
        signs = np.unpackbits(codes[ids], axis=2, bitorder="little").astype(np.float32) * 2 - 1
        order = np.argsort(-np.einsum("qd,qcd->qc", queries[rows], signs), axis=1, kind="stable")
        return np.take_along_axis(ids, order, axis=1)

    print(f"\n| {passages:,} codes of {bits} bits, {CANDIDATES} candidates | ms per query | / candidates alone |")
    print("|---|---|---|")
    for label, rows in ((f"batch of {count}", slice(0, count)), ("one query", slice(0, 1))):
        same = (ours.search(QueryVectors(queries[rows]), CANDIDATES).ids == unpacked(rows)).mean()
        calls = {
            "faiss.IndexBinaryFlat, candidates alone": lambda rows=rows: peer.search(query_codes[rows], CANDIDATES),
            "candidates, unpackbits, einsum": lambda rows=rows: unpacked(rows),
            "labrador two_stage": lambda rows=rows: ours.search(QueryVectors(queries[rows]), CANDIDATES),
        }
        taken = rounds(calls, times if rows.stop > 1 else 10 * times)
        alone = taken["faiss.IndexBinaryFlat, candidates alone"]
        for name, seconds in taken.items():
            print(f"| {label}: {name} | {1e3 * seconds / rows.stop:.3f} | {seconds / alone:.2f} |")
        slow = taken["candidates, unpackbits, einsum"] / taken["labrador two_stage"]
        print(f"\n{label}: {slow:.1f} x faster than unpacking; {same:.4%} of the places the same\n", flush=True)


def masked_select(scores: Tensor, positives: Tensor, masked: Tensor, margin: float) -> Tensor:
    """The mean hinge over all pairs (query, negative), which a boolean mask selects."""
    negative = ~masked
    negative[torch.arange(len(scores)), positives] = False
    best = scores.gather(1, positives[:, None]).expand_as(scores)
    return torch.relu(scores[negative] - best[negative] + margin).mean()


def losing(queries: int, passages: int, times: int) -> None:
    """The margin loss forward and backward."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(queries, passages, generator=generator, requires_grad=True)
    positives = torch.arange(queries)
    masked = torch.zeros(queries, passages, dtype=torch.bool)

    def step(loss: Callable[..., Tensor]) -> Tensor:
        scores.grad = None
        loss(scores, positives, masked, 0.1).mean().backward()
        gradient: Tensor = scores.grad
        return gradient

    torch.testing.assert_close(step(margin_ranking), step(masked_select))
    formulations = {"selected by a mask": masked_select, "labrador": margin_ranking}
    taken = rounds({name: lambda loss=loss: step(loss) for name, loss in formulations.items()}, times)
    print(f"\n| {queries} queries x {passages} passages, forward and backward | ms | ratio | largest tensor, bytes |")
    print("|---|---|---|---|")
    for name, loss in formulations.items():
        ratio = taken["selected by a mask"] / taken[name]
        print(f"| {name} | {1e3 * taken[name]:.3f} | {ratio:.2f} | {largest(lambda loss=loss: step(loss)):,} |")
    print(f"\nThe matrix of scores has {scores.nbytes:,} bytes.")


class Sizes(TorchDispatchMode):
    """Notes the bytes of the largest tensor that any operation gives, in the backward pass too."""

    largest = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), settings: Any = None) -> Any:
        result = function(*arguments, **(settings or {}))
        given = [result] if isinstance(result, Tensor) else result if isinstance(result, (tuple, list)) else []
        self.largest = max([self.largest, *(part.nbytes for part in given if isinstance(part, Tensor))])
        return result


def largest(call: Callable[[], object]) -> int:
    """Bytes of the largest tensor that `call` makes."""
    with Sizes() as sizes:
        call()
    return sizes.largest


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000, help="codes to search")
    parser.add_argument("--bits", type=int, default=768, help="bits of a code")
    parser.add_argument("--queries", type=int, default=64, help="queries of the batch")
    parser.add_argument("--rounds", type=int, default=7, help="times that everything is measured")
    parser.add_argument("--threads", type=int, default=2, help="threads of faiss and torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    searching(options.passages, options.bits, options.queries, options.rounds)
    losing(128, 256, 100 * options.rounds)


if __name__ == "__main__":
    main()
