"""Optimized product quantization: a rotation learned together with the codebooks (Ge et al., CVPR 2013)."""

from collections.abc import Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..machine.progress_bar import bar
from ..machine.threads import threads, workers
from ..settings import component, setting
from .pq import PQ, Floats, ProductCodec

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 4096  # vectors that a worker handles at a time


@component
class OPQ(PQ):
    """PQ behind a rotation, both fitted by Ge et al.'s non-parametric alternation from a seeded random rotation."""

    iterations: int = setting(60, "rounds of training codebooks and rotation in turn", ge=1)

    def trained(self, x: Floats, seed: int) -> Any:
        """faiss's rotation and PQ index with what was learned from float32 [n, D].

        faiss's own OPQ training takes about three times as long for the same error (benchmarks/quantizers.py).
        """
        rotation, codebooks = learn(x, self.codebooks, self.centroids, self.iterations, seed)
        return ProductCodec.of(rotation.T, codebooks).faiss_index


def learn(x: Floats, codebooks: int, centroids: int, iterations: int, seed: int) -> tuple[Floats, Floats]:
    """The rotation [D, D], applied as x @ rotation, and the codebooks [M, K, D / M].

    Each round is Ge et al.'s algorithm 1: codewords become the means of the sub-vectors nearest to them, then the
    rotation becomes the orthogonal matrix that brings x nearest to its decoded codes. Workers take blocks of a fixed
    size, whose sums are added in the blocks' order: the result does not depend on the number of threads.
    """
    import torch

    dimension = x.shape[1]
    generator = np.random.default_rng(seed)
    start = generator.standard_normal((dimension, dimension), dtype=np.float32)
    blocks = [torch.from_numpy(x[first : first + BLOCK]) for first in range(0, len(x), BLOCK)]
    pool = workers("opq")
    with pool, threads(1), bar("learning codebooks and rotation", " rounds", total=iterations) as shown:
        rotation = torch.linalg.qr(torch.from_numpy(start)).Q
        rotated = torch.cat([block @ rotation for block in blocks])
        first = rotated[torch.from_numpy(generator.choice(len(x), size=centroids, replace=False))]
        current = Codebooks(first.reshape(centroids, codebooks, -1).transpose(0, 1).contiguous())

        def nearest() -> list[Nearest]:
            return list(pool.map(lambda block: current.nearest(block @ rotation), blocks))

        for _ in range(iterations):
            found = nearest()
            current = current.moved(found)
            decoded = [partial(current.decoded, part.rows) for part in found]
            products = pool.map(lambda block, decode: block.T @ decode(), blocks, decoded)
            left, _, right = torch.linalg.svd(reduce(torch.add, products))
            rotation = left @ right
            shown.update()
        current = current.moved(nearest())
    return rotation.numpy(), current.codewords.numpy()


class Nearest(NamedTuple):
    """Codewords nearest to the sub-vectors of n vectors: their rows in all codebooks [n, M]; of each codeword how many
    sub-vectors it is nearest to [M K], and their sums [M K, D / M], in float64.
    """

    rows: "Tensor"
    counts: "Tensor"
    sums: "Tensor"


class Codebooks:
    """M codebooks of K codewords, float32 [M, K, D / M]."""

    def __init__(self, codewords: "Tensor") -> None:
        import faiss

        self.codewords = codewords
        count, size, width = codewords.shape
        self._pq: Any = faiss.ProductQuantizer(count * width, count, size.bit_length() - 1)
        faiss.copy_array_to_vector(codewords.numpy().ravel(), self._pq.centroids)
        self._pq.sync_transposed_centroids()  # takes two thirds of the time

    def nearest(self, rotated: "Tensor") -> Nearest:
        """The codeword nearest to each sub-vector of vectors [n, D]."""
        import torch

        pq, (count, size, width) = self._pq, self.codewords.shape
        codes = pq.compute_codes(rotated.numpy())
        if pq.nbits < 8:
            bits = np.unpackbits(codes, axis=1, bitorder="little")[:, : count * pq.nbits]
            codes = np.packbits(bits.reshape(len(codes), count, pq.nbits), axis=2, bitorder="little")[:, :, 0]
        rows = torch.from_numpy(codes).long() + size * torch.arange(count)
        columns = rotated.reshape(-1, width).double().T.contiguous()
        sums = [torch.bincount(rows.ravel(), column, count * size) for column in columns]
        return Nearest(rows, torch.bincount(rows.ravel(), minlength=count * size), torch.stack(sums, dim=1))

    def decoded(self, rows: "Tensor") -> "Tensor":
        """The vectors [n, D] that codewords in `rows` [n, M] stand for."""
        return self.codewords.flatten(0, 1)[rows].flatten(1)

    def moved(self, parts: Sequence[Nearest]) -> "Codebooks":
        """Each codeword as the mean of the sub-vectors that it is nearest to.

        One without any takes half of its codebook's most used codeword.
        """
        import torch

        counts = reduce(torch.add, (part.counts for part in parts))
        sums = reduce(torch.add, (part.sums for part in parts))
        codewords = (sums / counts.clamp(min=1)[:, None]).float().reshape(self.codewords.shape)
        used = counts.reshape(codewords.shape[:2])
        for number, empty in (used == 0).nonzero().tolist():
            codebook, uses = codewords[number], used[number]
            largest = int(uses.argmax())
            codebook[empty], codebook[largest] = codebook[largest] * 1.001, codebook[largest] * 0.999
            uses[empty] = uses[largest] // 2
            uses[largest] -= uses[empty]
        return Codebooks(codewords)
