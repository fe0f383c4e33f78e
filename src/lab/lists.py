"""Lists of passages, one of each query, as files of an artifact."""

from pathlib import Path

import numpy as np

from ..arrays.npy import open_array
from ..arrays.ragged import Ragged


def write_lists(folder: Path, lists: Ragged) -> None:
    """Save a Ragged as values.npy and offsets.npy."""
    np.save(folder / "values.npy", lists.values, allow_pickle=False)
    np.save(folder / "offsets.npy", lists.offsets, allow_pickle=False)


def read_lists(folder: Path) -> Ragged:
    """What `write_lists` saved, memory-mapped."""
    return Ragged(open_array(folder / "values.npy"), open_array(folder / "offsets.npy"))
