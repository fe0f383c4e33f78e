"""Passages that a training leaves as they are: vectors read from where they are stored. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = Callable[[NDArray[np.int64]], NDArray[np.floating]]  # passage rows [n] -> their vectors [n, D]


@dataclass(frozen=True)
class FrozenPassages:
    """What queries are trained against in place of encoded texts; several vectors of a passage are put side by side."""

    sources: tuple[Rows, ...]
    keys: Mapping[str, str] = field(default_factory=dict)  # of the artifacts that hold them, by name

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of the passages `rows` [n], each source's after the one before: float32 [n, sum of their D]."""
        return np.hstack([np.asarray(source(rows), dtype=np.float32) for source in self.sources])
