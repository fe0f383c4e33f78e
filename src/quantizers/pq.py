"""Product quantization: one codebook for each sub-space of the vector (Jegou et al., 2011)."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import sample
from ..errors import SettingError
from ..losses.bidr import CODEBOOKS, ROTATION
from ..machine.threads import workers
from ..settings import component, setting
from .base import SAMPLED, FittedQuantizer, Quantizer, State, TrainingVectors
from .codec import FaissCodec

Floats = NDArray[np.float32]
CENTROIDS = (256, 128, 64, 32, 16, 8, 4, 2)


class ProductCodec(FaissCodec):
    """A rotation R, or none, and M codebooks of K codewords."""

    @classmethod
    def of(cls, rotation: Floats | None, codebooks: Floats) -> Self:
        """The codec of a rotation [D, D], applied as R x, and codebooks [M, K, D / M]."""
        import faiss

        count, size, width = codebooks.shape
        index = empty(count * width, count, size)
        faiss.copy_array_to_vector(codebooks.ravel(), index.pq.centroids)
        index.is_trained = True
        if rotation is None:
            return cls(index)
        transform = faiss.LinearTransform(*rotation.shape)
        faiss.copy_array_to_vector(np.ascontiguousarray(rotation).ravel(), transform.A)
        transform.is_trained = True
        transform.set_is_orthonormal()
        return cls(faiss.IndexPreTransform(transform, index))

    def state(self) -> State:
        """The rotation [D, D], the identity where there is none, and the codebooks [M, K, D / M]."""
        import faiss

        rotation, index = np.eye(self.dimension, dtype=np.float32), self.faiss_index
        if isinstance(index, faiss.IndexPreTransform):
            chain: Any = index.chain
            transform: Any = faiss.downcast_VectorTransform(chain.at(0))
            rotation = faiss.vector_to_array(transform.A).reshape(rotation.shape)
            index = faiss.downcast_index(index.index)
        codewords = faiss.vector_to_array(index.pq.centroids)
        return {ROTATION: rotation, CODEBOOKS: codewords.reshape(index.pq.M, index.pq.ksub, index.pq.dsub)}


@component
class PQ(Quantizer):
    """`codebooks` sub-spaces with `centroids` codewords each: `codebooks` bytes per passage with 256 of them.

    48 codebooks divide the 384 dimensions of MiniLM and the 768 of BERT.
    """

    codec: ClassVar[type[FittedQuantizer]] = ProductCodec

    codebooks: int = setting(48, "sub-spaces (M), one byte each with 256 centroids; a divisor of the dimension", ge=1)
    centroids: int = setting(256, "codewords per codebook, a power of two", ge=2, le=256)
    training_passages: int = setting(65_536, SAMPLED, ge=2)  # 256 per codeword is what k-means can use

    def __post_init__(self) -> None:
        if self.centroids not in CENTROIDS:
            raise SettingError("centroids", self.centroids, f"one of {', '.join(map(str, CENTROIDS))}")

    def check(self, dimension: int, passages: int | None = None) -> None:
        """Codebooks must divide the dimension, and each codeword needs a training vector."""
        if dimension % self.codebooks:
            largest = max(m for m in range(1, min(self.codebooks, dimension) + 1) if dimension % m == 0)
            expected = f"a divisor of the vectors' {dimension} dimensions"
            raise SettingError("codebooks", self.codebooks, expected, f"the next smaller one is {largest}", "quantizer")
        if passages is None:
            return
        vectors = min(passages, self.training_passages)
        if vectors < self.centroids:
            largest = max((c for c in CENTROIDS if c <= vectors), default=0)
            expected = f"at most one for each of {vectors} training vectors"
            remedy = f"the largest that works is {largest}" if largest else "use quantizer=flat, or a larger corpus"
            raise SettingError("centroids", self.centroids, expected, remedy, "quantizer")

    def fit(self, x: TrainingVectors, seed: int) -> ProductCodec:
        """k-means in every sub-space on a sample."""
        self.check(x.passages.shape[1], len(x.passages))
        return ProductCodec(self.trained(sample(x.passages, self.training_passages, seed), seed))

    def trained(self, x: Any, seed: int) -> Any:
        """A faiss index trained on float32 [n, D] by faiss's k-means, one sub-space to a worker.

        The number of threads does not change the codewords. In faiss's own training all threads share every small
        product, which is slower (benchmarks/quantizers.py).
        """
        import faiss

        width = x.shape[1] // self.codebooks
        settings = faiss.ClusteringParameters()
        settings.seed, settings.min_points_per_centroid = seed, 1

        def codebook(part: Floats) -> Floats:
            clustering = faiss.Clustering(width, self.centroids, settings)
            clustering.train(np.ascontiguousarray(part), faiss.IndexFlatL2(width))
            found: Floats = faiss.vector_to_array(clustering.centroids)
            return found.reshape(self.centroids, width)

        with workers("k-means") as pool:
            codebooks = np.stack(list(pool.map(codebook, np.split(x, self.codebooks, axis=1))))
        return ProductCodec.of(None, codebooks).faiss_index


def empty(dimension: int, codebooks: int, centroids: int) -> Any:
    """An untrained faiss.IndexPQ that scores by inner product."""
    import faiss

    return faiss.IndexPQ(dimension, codebooks, centroids.bit_length() - 1, faiss.METRIC_INNER_PRODUCT)
