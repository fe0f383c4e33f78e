"""An encoder with the weights it comes with or those of a training."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .base import Encoder

if TYPE_CHECKING:
    from .towers import TwoTower

TOWERS = "towers"  # the folder of the trained weights, inside the artifact
OBJECTIVE = "objective.safetensors"  # next to the folder of the towers


@dataclass(frozen=True)
class Checkpoint:
    """An encoder and the folder of its trained towers (None: the weights it comes with); `key` is the artifact's."""

    encoder: Encoder
    folder: Path | None
    key: str

    def towers(self, dropout: float | None = None) -> "TwoTower":
        """The towers, on the CPU in eval mode; `dropout` as for `Encoder.load_model`."""
        from .towers import load_towers

        return load_towers(self.encoder, self.folder, dropout)

    def objective_state(self) -> dict[str, NDArray[np.float32]]:
        """The parameters of the objective that trained the towers, by name; {} if it had none."""
        file = None if self.folder is None else self.folder.parent / OBJECTIVE
        if file is None or not file.exists():
            return {}
        from safetensors.numpy import load_file

        return load_file(file)
