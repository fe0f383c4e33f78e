"""Keeps the weights with the best dev rank instead of the last (`train.keep=best`)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model
from torch import nn
from transformers import TrainerCallback

from ..machine import processes
from ..machine.files import atomically
from .base import Watch
from .settings import DEV_RANK

LOOKS = 10  # ranks taken in a training of at most one epoch


def looks(steps: int, epoch_steps: int, start: float) -> list[int]:
    """The steps after which the dev rank is taken: ends of epochs, or of tenths in a training of at most one epoch.

    Steps before the share `start` of all `steps` are left out; the last is always included.
    """
    ends = set(range(epoch_steps, steps, epoch_steps))
    if steps <= epoch_steps:
        ends = {-(-steps * part // LOOKS) for part in range(1, LOOKS + 1)}
    return sorted({*(step for step in ends if step >= start * steps), steps})


class KeepBest(TrainerCallback):
    """Takes the dev rank after some steps, adds it to the curve, and keeps the weights of the best.

    Weights are stored next to the checkpoints, named by step, until a complete checkpoint knows better ones. A resumed
    training finds the best so far in its curve.
    """

    def __init__(
        self, model: nn.Module, rank: Callable[[], float], due: list[int], folder: Path, watch: Watch | None
    ) -> None:
        self.model, self.rank, self.due, self.folder, self.watch = model, rank, set(due), folder, watch

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Take the rank where it is due; of equal ranks the first wins."""
        if state.global_step not in self.due:
            return
        before = self._best(state)
        rank = self.rank()
        point = {DEV_RANK: rank, "epoch": state.epoch, "step": state.global_step}
        state.log_history.append(point)
        if not processes.is_main():
            return
        if self.watch is not None:
            self.watch(point)
        if before is None or rank < before[DEV_RANK]:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomically(self._weights(state.global_step)) as weights:
                save_model(self.model, str(weights))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Remove weights that the checkpoint just written knows to be surpassed."""
        best = self._best(state)
        if processes.is_main() and best is not None:
            for path in self.folder.glob("best-*.safetensors"):
                if path != self._weights(best["step"]):
                    path.unlink()

    def restore(self, state: Any) -> None:
        """Put the best weights back into the model."""
        best = self._best(state)
        if best is not None and best["step"] != state.global_step:
            load_model(self.model, str(self._weights(best["step"])))

    def _best(self, state: Any) -> Any:
        """The first point of the curve with the best rank, None before any."""
        points = (point for point in state.log_history if DEV_RANK in point)
        return min(points, key=lambda point: point[DEV_RANK], default=None)

    def _weights(self, step: int) -> Path:
        return self.folder / f"best-{step}.safetensors"
