"""A small corpus for the tests that run whole cells."""

import tempfile

import pytest
from cells import make_cells
from layouts import write_layout


@pytest.fixture(scope="session", autouse=True)
def machine_of_its_own(tmp_path_factory):
    """Locks of the machine that only these tests take: other runs on it neither wait for them nor disturb them."""
    with pytest.MonkeyPatch.context() as patched:
        folder = str(tmp_path_factory.mktemp("machine"))
        patched.setenv("TMPDIR", folder)
        patched.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="module")
def beir(tmp_path_factory):
    """A folder in BEIR layout; read only."""
    return write_layout("beir", tmp_path_factory.mktemp("data") / "beir")


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """A working folder with finished runs of every kind of search; read only."""
    return make_cells(tmp_path_factory.mktemp("cells"))
