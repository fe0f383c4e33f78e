"""Encoders small enough for tests."""

import pytest

from labrador.encoders.tiny import Tiny


@pytest.fixture
def tiny() -> Tiny:
    """Mean pooling, normalised, one tower."""
    return Tiny(pooling="mean", normalize=True, shared=True)
