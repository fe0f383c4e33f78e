"""The progress bar of a training: steps, rate, time left and loss."""

from typing import Any

from transformers import TrainerCallback

from ..machine.progress_bar import bar
from .base import Watch


class Progress(TrainerCallback):
    """Shows the optimizer steps of the main process; gives `watch` every point of the curve."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.bar: Any = None
        self.watch = watch

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar, at the step where a resumed training continues."""
        if state.is_world_process_zero:
            self.bar = bar("training", " steps", total=state.max_steps, done=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count the step."""
        if self.bar is not None:
            self.bar.update()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any) -> None:
        """Show the mean loss since the last log."""
        if self.bar is not None and "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.4f}")
            if self.watch is not None:
                self.watch({**logs, "step": state.global_step})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()
