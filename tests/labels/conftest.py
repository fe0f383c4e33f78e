"""The toy texts of tests/training, tokenized once."""

from pathlib import Path

import pytest

from labrador.encoders.tiny import Tiny
from training import toy


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the toy queries' and passages' token ids."""
    folder = tmp_path_factory.mktemp("texts")
    toy.tokens(folder, Tiny())
    return folder
