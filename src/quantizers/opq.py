"""Optimized product quantization: a rotation learned together with the codebooks (Ge et al., CVPR 2013)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..machine.progress_bar import bar
from ..machine.threads import threads
from ..settings import component, setting
from .product import PQ, Floats, ProductCodec


@component
class OPQ(PQ):
    """PQ behind a rotation, both fitted by Ge et al.'s non-parametric alternation from a seeded random rotation."""

    iterations: int = setting(60, "rounds of training codebooks and rotation in turn", ge=1)

    def trained(self, x: Floats, seed: int) -> Any:
        """faiss's rotation and PQ index with what was learned from float32 [n, D].

        faiss's own OPQ training takes about three times as long for the same error. By one thread: the SVD and the
        small products are several times slower when a few threads wait for each other.
        """
        with threads(1):
            rotation, codebooks = learn(x, self.codebooks, self.centroids, self.iterations, seed)
        return ProductCodec.of(rotation.T, codebooks.reshape(self.codebooks, self.centroids, -1)).faiss_index


def learn(x: Floats, books: int, size: int, iterations: int, seed: int) -> tuple[Floats, Floats]:
    """The rotation [D, D], applied as x @ rotation, and `books` codebooks of `size` words, [M * words, D / M].

    Each round is Ge et al.'s algorithm 1: words become the means of the sub-vectors nearest to them, then the
    rotation becomes the orthogonal matrix that brings x nearest to its decoded codes.
    """
    import faiss
    import torch

    n, dimension = x.shape
    pq = faiss.ProductQuantizer(dimension, books, size.bit_length() - 1)
    generator = np.random.default_rng(seed)
    vectors = torch.from_numpy(x)
    start = generator.standard_normal((dimension, dimension), dtype=np.float32)
    rotation = torch.linalg.qr(torch.from_numpy(start)).Q
    rotated = (vectors @ rotation).numpy()
    first = rotated[generator.choice(n, size=size, replace=False)].reshape(size, books, -1)
    codebooks = np.ascontiguousarray(first.transpose(1, 0, 2)).reshape(books * size, -1)
    with bar("learning codebooks and rotation", " rounds", total=iterations) as shown:
        for _ in range(iterations):
            words = assign(rotated, codebooks, pq)
            codebooks = means(rotated, words, codebooks)
            decoded = codebooks[words].reshape(n, dimension)
            left, _, right = torch.linalg.svd(vectors.T @ torch.from_numpy(decoded))
            rotation = left @ right
            rotated = (vectors @ rotation).numpy()
            shown.update()
    codebooks = means(rotated, assign(rotated, codebooks, pq), codebooks)
    return rotation.numpy(), codebooks


def assign(rotated: Floats, codebooks: Floats, pq: Any) -> NDArray[np.int64]:
    """The row in `codebooks` [M * words, D / M] of the word nearest to each sub-vector of `rotated` [n, D]: [n, M]."""
    import faiss

    faiss.copy_array_to_vector(codebooks.ravel(), pq.centroids)
    codes = pq.compute_codes(rotated)
    if pq.nbits < 8:
        bits = np.unpackbits(codes, axis=1, bitorder="little")[:, : pq.M * pq.nbits]
        codes = np.packbits(bits.reshape(len(codes), pq.M, pq.nbits), axis=2, bitorder="little")[:, :, 0]
    return codes.astype(np.int64) + pq.ksub * np.arange(pq.M)


def means(rotated: Floats, words: NDArray[np.int64], codebooks: Floats) -> Floats:
    """Each word of `codebooks` [M * words, D / M] moved to the mean of the sub-vectors assigned to it.

    `words` [n, M] are rows of `codebooks`. A word without any takes half of its codebook's most used word.
    """
    slots = words.ravel()
    counts = np.bincount(slots, minlength=len(codebooks))
    parts = rotated.reshape(len(slots), -1)
    sums = np.stack([np.bincount(slots, column, len(codebooks)) for column in parts.T], axis=1)
    moved = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    size = len(codebooks) // words.shape[1]
    for empty in np.flatnonzero(counts == 0):
        book = slice(empty // size * size, (empty // size + 1) * size)
        largest = book.start + int(counts[book].argmax())
        moved[empty], moved[largest] = moved[largest] * 1.001, moved[largest] * 0.999
        counts[empty] = counts[largest] // 2
        counts[largest] -= counts[empty]
    return moved
