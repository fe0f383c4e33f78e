"""A small corpus for the tests that run whole cells."""

import pytest
from layouts import write_layout


@pytest.fixture(scope="module")
def beir(tmp_path_factory):
    """A folder in BEIR layout; read only."""
    return write_layout("beir", tmp_path_factory.mktemp("beir"))
