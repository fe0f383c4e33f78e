"""Bit packing: signs to bytes and back."""

import numpy as np
import pytest

from labrador.errors import LabradorError
from labrador.quantizers.binary import check_dimension, pack, unpack


@pytest.mark.parametrize(("count", "bits"), [(1, 8), (7, 16), (100, 384), (3, 768)])
def test_packing_round_trips(count, bits):
    x = np.random.default_rng(bits).standard_normal((count, bits)).astype(np.float32)
    x[0, :2] = 0.0, -0.0
    codes = pack(x)
    assert codes.shape == (count, bits // 8)
    np.testing.assert_array_equal(unpack(codes), np.where(x >= 0, 1.0, -1.0))
    np.testing.assert_array_equal(pack(unpack(codes)), codes)


def test_the_first_number_is_the_lowest_bit():
    assert pack(np.array([[1.0, -1, -1, -1, -1, -1, -1, 2.0]])).tolist() == [[0b10000001]]


def test_numbers_that_do_not_fill_bytes_are_refused():
    with pytest.raises(LabradorError, match=r"\[2, 12\]: expected \[N, 8\]"):
        pack(np.ones((2, 12)))
    with pytest.raises(LabradorError, match=r"quantizer\.bits=null: .* each of 12 dimensions .*; set it to 8"):
        check_dimension(None, 12)
    check_dimension(16, 12)
