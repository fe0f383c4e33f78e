"""Passages that a training leaves as they are: vectors read from where they are stored. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = Callable[[NDArray[np.int64]], NDArray[np.floating]]  # passages [n] -> their vectors [n, D]


@dataclass(frozen=True)
class FrozenPassages:
    """What queries are trained against in place of encoded texts.

    dense: the vectors of passages; decoded: what their codes stand for, where there are codes, too; keys: of the
    artifacts that hold all this, by name.
    """

    dense: Rows
    decoded: Rows | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def summed(self, passages: NDArray[np.int64]) -> NDArray[np.float32]:
        """The sum of each passage's vectors, [n, D]: a query's score by it is the sum of its scores by each."""
        kinds = (self.dense,) if self.decoded is None else (self.dense, self.decoded)
        total: NDArray[np.float32] = np.sum([kind(passages) for kind in kinds], axis=0, dtype=np.float32)
        return total
