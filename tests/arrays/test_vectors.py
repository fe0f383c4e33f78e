"""Reading vectors block by block and drawing a sample."""

import numpy as np
import pytest

from labrador.arrays import vectors
from labrador.errors import LabradorError
from labrador.quantizers.flat import FlatCodec


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(vectors, "BLOCK_BYTES", 4 * 4 * 7)  # seven vectors of four dimensions


def test_blocks_cover_every_row_once_in_order():
    x = np.arange(1, 81, dtype=np.float16).reshape(20, 4)
    seen = list(vectors.blocks(x))
    assert [start for start, _ in seen] == [0, 7, 14]
    assert all(block.dtype == np.float32 for _, block in seen)
    assert (np.concatenate([block for _, block in seen]) == x).all()


def test_an_unusable_vector_in_a_later_block_is_named_by_its_row():
    x = np.ones((20, 4), np.float32)
    x[15, 2] = np.nan
    with pytest.raises(LabradorError, match="vector of passage 15: NaN"):
        list(vectors.blocks(x))
    x[15] = 0
    with pytest.raises(LabradorError, match="vector of passage 15: all zeros"):
        list(vectors.blocks(x))


def test_a_sample_is_seeded_distinct_and_in_row_order():
    x = np.arange(1, 401, dtype=np.float32).reshape(100, 4)
    drawn = vectors.sample(x, 30, seed=1)
    rows = (drawn[:, 0] - 1) / 4
    assert drawn.shape == (30, 4)
    assert (np.diff(rows) > 0).all()
    assert (drawn == vectors.sample(x, 30, seed=1)).all()
    assert (drawn != vectors.sample(x, 30, seed=2)).any()
    assert (vectors.sample(x, 100, seed=1) == x).all()
    assert (vectors.sample(x, 500, seed=1) == x).all()


def test_a_sample_names_the_corpus_row_of_an_unusable_vector():
    x = np.ones((100, 4), np.float32)
    x[60:] = np.inf
    with pytest.raises(LabradorError, match=r"vector of passage [6-9]\d: NaN, infinite"):
        vectors.sample(x, 50, seed=0)


def test_encoding_block_by_block_names_the_corpus_row_and_gives_the_same_codes():
    codec = FlatCodec(4, "float16")
    x = np.arange(1, 81, dtype=np.float32).reshape(20, 4)
    parts = list(codec.encode_blocks(x))
    assert [len(part) for part in parts] == [7, 7, 6]
    assert (np.concatenate(parts) == codec.encode(x)).all()
    x[16] = np.nan
    with pytest.raises(LabradorError, match="vector of passage 16"):
        list(codec.encode_blocks(x))
