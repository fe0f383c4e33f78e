"""What every quantizer promises: codes, round trips, sizes, seeds, errors."""

from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from labrador.errors import LabradorError
from labrador.quantizers.base import Quantizer, TrainingVectors
from labrador.quantizers.codec import FaissCodec
from labrador.quantizers.flat import Flat
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8

D = 32
BYTES = {
    Flat(): 4 * D,
    SQ8(): D,
    LSH(): D // 8,
    LSH(bits=80): 10,
    PQ(codebooks=8): 8,
    PQ(codebooks=8, centroids=16): 4,
    OPQ(codebooks=8, iterations=5): 8,
    OPQ(codebooks=8, centroids=32, iterations=5): 5,
    RaBitQ(): D // 8 + 8,
}
every = pytest.mark.parametrize("quantizer", BYTES, ids=str)
compressing = pytest.mark.parametrize("quantizer", list(BYTES)[1:], ids=str)


def fitted(quantizer: Quantizer, x: NDArray[np.floating], seed: int = 0):
    return quantizer.fit(TrainingVectors(x), seed)


def error(quantizer: Quantizer, x: NDArray[np.float32]) -> float:
    codec = fitted(quantizer, x)
    return float(((codec.decode(codec.encode(x)) - x) ** 2).sum(axis=1).mean())


@pytest.fixture(scope="module")
def x() -> NDArray[np.float32]:
    """Unit vectors around 60 centres [600, D]."""
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((60, D))[generator.integers(60, size=600)]
    vectors += 0.5 * generator.standard_normal((600, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@every
def test_codes_have_the_stated_size(quantizer, x):
    codec = fitted(quantizer, x)
    codes = codec.encode(x)
    assert codes.dtype == np.uint8
    assert codes.shape == (600, BYTES[quantizer]) == (600, codec.bytes_per_passage)
    decoded = codec.decode(codes)
    assert decoded.dtype == np.float32
    assert decoded.shape == x.shape
    cosine = (decoded * x).sum(axis=1) / np.linalg.norm(decoded, axis=1)
    assert cosine.mean() > 0.6


@every
def test_projected_queries_score_unpacked_codes_as_queries_score_decoded_ones(quantizer, x):
    codec = fitted(quantizer, x)
    codes = codec.encode(x)
    q = np.random.default_rng(1).standard_normal((4, D), dtype=np.float32)
    assert np.allclose(codec.project(q) @ codec.unpack(codes).T, q @ codec.decode(codes).T, atol=1e-4)


@every
def test_what_is_saved_loads_as_the_same_codec(quantizer, x, tmp_path: Path):
    codec = fitted(quantizer, x)
    codec.save(tmp_path)
    loaded = quantizer.load(tmp_path)
    codes = codec.encode(x)
    assert (loaded.encode(x) == codes).all()
    assert (loaded.decode(codes) == codec.decode(codes)).all()
    assert type(loaded) is type(codec)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == loaded.side_bytes


@every
def test_a_seed_decides_the_codes(quantizer, x):
    assert (fitted(quantizer, x, 3).encode(x) == fitted(quantizer, x, 3).encode(x)).all()


@pytest.mark.parametrize("quantizer", [q for q in BYTES if not isinstance(q, Flat | SQ8)], ids=str)
def test_another_seed_makes_other_codes(quantizer, x):
    assert (fitted(quantizer, x, 3).encode(x) != fitted(quantizer, x, 4).encode(x)).any()


@every
def test_a_quantizer_draws_where_another_seed_makes_other_codes(quantizer, x):
    differs = (fitted(quantizer, x, 3).encode(x) != fitted(quantizer, x, 4).encode(x)).any()
    assert quantizer.draws(len(x)) == differs


def test_a_byte_a_dimension_draws_where_its_sample_is_smaller_than_the_corpus(x):
    few = SQ8(training_passages=50)
    assert few.draws(len(x))
    assert (fitted(few, x, 3).encode(x) != fitted(few, x, 4).encode(x)).any()


@compressing
def test_serialized_bytes_are_those_of_the_filled_faiss_index(quantizer, x, tmp_path: Path):
    codec = fitted(quantizer, x)
    codes = codec.encode(x)
    assert isinstance(codec, FaissCodec)
    filled = faiss.clone_index(codec.faiss_index)
    entries = faiss.downcast_index(filled.index) if isinstance(filled, faiss.IndexPreTransform) else filled
    entries.add_sa_codes(codes)
    faiss.write_index(filled, str(tmp_path / "index"))
    assert abs((tmp_path / "index").stat().st_size - codec.serialized_bytes(len(codes))) <= 64


def test_more_bytes_lose_less(x):
    by_size = [error(PQ(codebooks=m), x) for m in (2, 4, 8, 16)]
    assert by_size == sorted(by_size, reverse=True)
    assert error(SQ8(), x) < by_size[-1] / 10
    assert error(PQ(codebooks=8, centroids=16), x) > error(PQ(codebooks=8), x)


def test_a_learned_rotation_loses_less_than_none_where_dimensions_differ_in_spread():
    x = np.random.default_rng(0).standard_normal((2000, D), dtype=np.float32)
    x *= np.linspace(2, 0.1, D, dtype=np.float32) ** 2
    assert error(OPQ(codebooks=8, iterations=30), x) < 0.8 * error(PQ(codebooks=8), x)


def test_opq_is_as_good_as_faiss_own():
    x = np.random.default_rng(0).standard_normal((2000, D), dtype=np.float32)
    x *= np.linspace(2, 0.1, D, dtype=np.float32)
    peer = faiss.IndexPreTransform(faiss.OPQMatrix(D, 8), faiss.IndexPQ(D, 8, 8, faiss.METRIC_INNER_PRODUCT))
    faiss.downcast_index(peer.index).pq.cp.min_points_per_centroid = 1
    peer.train(x)
    theirs = float(((peer.sa_decode(peer.sa_encode(x)) - x) ** 2).sum(axis=1).mean())
    assert error(OPQ(codebooks=8), x) < 1.05 * theirs


def test_flat_codes_are_the_stored_bytes(tmp_path: Path, x):
    for dtype in (np.float32, np.float16):
        np.save(tmp_path / "x.npy", x.astype(dtype))
        stored = np.load(tmp_path / "x.npy", mmap_mode="r")
        codec = fitted(Flat(), stored)
        codes = codec.codes_in_place(stored)
        assert codes is not None
        assert np.shares_memory(codes, stored)
        assert (codes == codec.encode(x)).all()
        assert (codec.decode(codes) == stored.astype(np.float32)).all()
    assert codec.codes_in_place(x) is None
    assert fitted(LSH(), x).codes_in_place(x) is None


@every
def test_memory_maps_in_half_precision_are_quantized(quantizer, x, tmp_path: Path):
    half = x.astype(np.float16)
    np.save(tmp_path / "x.npy", half)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert (fitted(quantizer, mapped).encode(mapped) == fitted(quantizer, half).encode(half)).all()


def test_passes_over_the_passages_are_shown_and_encoding_queries_is_not(x, capsys):
    codec = fitted(Flat(), x)
    assert f"checking vectors: 100%|██████████| {len(x)}/{len(x)} " in capsys.readouterr().err
    codes = np.concatenate(list(codec.encode_blocks(x)))
    assert f"writing codes: 100%|██████████| {len(x)}/{len(x)} " in capsys.readouterr().err
    assert (codes == codec.encode(x)).all()
    assert capsys.readouterr().err == ""


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf, 0])
def test_unusable_vectors_are_named(quantizer, x, bad):
    broken = x.copy()
    broken[417] = bad
    with pytest.raises(LabradorError, match=r"vector of passage 417: .*expected finite"):
        fitted(quantizer, broken)
    with pytest.raises(LabradorError, match=r"vector of passage 417: .*expected finite"):
        fitted(quantizer, x).encode(broken)


@every
def test_vectors_of_another_width_are_refused(quantizer, x):
    codec = fitted(quantizer, x)
    with pytest.raises(LabradorError, match=r"shape \[600, 31\]: expected \[N, 32\]"):
        codec.encode(x[:, :31])
    with pytest.raises(LabradorError, match="codes of shape"):
        codec.decode(np.zeros((2, codec.code_bytes + 1), np.uint8))


@pytest.mark.parametrize(
    ("quantizer", "passages", "says"),
    [
        (PQ(codebooks=5), 600, "codebooks=5: .*the next smaller one is 4"),
        (OPQ(codebooks=48), 600, "codebooks=48: .*the next smaller one is 32"),
        (PQ(codebooks=8), 255, "centroids=256: .*the largest that works is 128"),
        (PQ(codebooks=8, centroids=16), 9, "centroids=16: .*the largest that works is 8"),
        (PQ(codebooks=8), 1, "quantizer=flat"),
        (OPQ(codebooks=8, training_passages=200), 600, "centroids=256: .*the largest that works is 128"),
    ],
)
def test_settings_that_do_not_fit_name_those_that_do(quantizer, passages, says, x):
    with pytest.raises(LabradorError, match=says):
        quantizer.check(D, passages)
    with pytest.raises(LabradorError, match=says):
        fitted(quantizer, x[:passages])


def test_the_named_settings_work(x):
    PQ(codebooks=4).check(D, 600)
    OPQ(codebooks=32).check(D, 600)
    PQ(codebooks=8, centroids=128).check(D, 255)
    fitted(PQ(codebooks=8, centroids=128), x[:255])
    LSH(bits=24).check(30, 600)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PQ(codebooks=0), "codebooks=0: expected a whole number >= 1"),
        (lambda: PQ(centroids=100), "centroids=100: expected one of 256, 128"),
        (lambda: OPQ(iterations=0), "iterations=0: expected a whole number >= 1"),
        (lambda: LSH(bits=4), "bits=4: expected a whole number >= 8, a multiple of 8, or null"),
        (
            lambda: LSH(bits=100),
            "bits=100: expected a whole number >= 8, a multiple of 8, or null",
        ),
        (lambda: SQ8(training_passages=0), "training_passages=0: expected a whole number >= 1"),
        (lambda: LSH().check(30, 600), "quantizer.bits=null: .* each of 30 dimensions .*set it to 24"),
    ],
)
def test_settings_without_meaning_are_refused(make, says):
    with pytest.raises(LabradorError, match=says):
        make()


@pytest.mark.parametrize("quantizer", [PQ(codebooks=8), OPQ(codebooks=8, iterations=1)], ids=str)
def test_training_leaves_the_threads_as_they_were(quantizer, x):
    import torch

    before = faiss.omp_get_max_threads(), torch.get_num_threads()
    fitted(quantizer, x)
    assert (faiss.omp_get_max_threads(), torch.get_num_threads()) == before
