"""A state of an encoder: as it comes, or as a training left it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .base import Encoder

if TYPE_CHECKING:
    from .towers import TwoTower


@dataclass(frozen=True)
class Checkpoint:
    """An encoder and the folder of its trained towers (None: the encoder as it comes), named by the artifact key."""

    encoder: Encoder
    folder: Path | None
    key: str

    def towers(self) -> "TwoTower":
        """The towers, on the CPU in eval mode."""
        if self.folder is None:
            return self.encoder.build()
        from .towers import load_towers

        return load_towers(self.encoder, self.folder)
