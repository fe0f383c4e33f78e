"""Checkpoints of a running training: only the newest complete one is kept."""

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ..machine import processes
from ..machine.files import atomically, sync_tree

COMPLETE = "complete"  # this file says that the rest of the checkpoint is on disk


def newest(folder: Path) -> Path | None:
    """The newest complete checkpoint in `folder`, or None; removes all others."""
    whole = sorted(
        (path for path in folder.glob("checkpoint-*") if (path / COMPLETE).exists()), key=_step, reverse=True
    )
    for path in folder.glob("checkpoint-*"):
        if path not in whole[:1]:
            shutil.rmtree(path)
    return whole[0] if whole else None


def _step(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


class Complete(TrainerCallback):
    """Marks a checkpoint as complete once all processes have written their part and the disk has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Save no checkpoint after the last step: the trained weights are written then."""
        if state.global_step >= state.max_steps:
            control.should_save = False
        return control

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Mark the checkpoint just written, then remove older ones."""
        processes.barrier()
        if processes.is_main():
            checkpoint = self.folder / f"checkpoint-{state.global_step}"
            sync_tree(checkpoint)
            with atomically(checkpoint / COMPLETE) as mark:
                mark.touch()
            newest(self.folder)
        processes.barrier()
