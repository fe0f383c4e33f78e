"""transformers.Trainer with Labrador's batches, loss, optimizer groups and checkpoints."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainingArguments

from ..errors import LabradorError
from .base import Trainable, Watch
from .batches import Loader
from .checkpoints import Complete
from .keeping import KeepBest
from .optimizers import make_optimizer
from .progress import Progress
from .settings import TrainSettings

WEIGHTS = "model.safetensors"


class RetrieverTrainer(Trainer):
    """Trains a `Trainable` on a `Loader`, whose collation gives every process its own share."""

    optimizer: Any
    loss_is_scaled_for_ga = True  # the weights of the losses account for the parts of a batch

    def __init__(
        self,
        model: Trainable,
        arguments: TrainingArguments,
        loader: Loader,
        optimizer: str,
        watch: Watch | None = None,
        keeping: KeepBest | None = None,
    ) -> None:
        callbacks = [Complete(Path(arguments.output_dir)), Progress(watch), *([keeping] if keeping else [])]
        super().__init__(model=model, args=arguments, train_dataset=loader.dataset, callbacks=callbacks)
        self.remove_callback(PrinterCallback)
        self._loader, self._optimizer = loader, optimizer
        self._logged: dict[str, Tensor] = {}  # sums since the last log
        self._logged_at = 0
        self._broken: Tensor | None = None  # first step with a loss that is not finite; inf: none

    def get_train_dataloader(self) -> Loader:
        """The loader as it is: accelerate must not split its batches again."""
        return self._loader

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """This process's part of the mean loss of a batch.

        Whether it is finite stays on the device until the curve is read: a check at every step would make the GPU wait.
        """
        losses: dict[str, Tensor] = model(inputs, self.state.global_step)
        broken = torch.where(torch.isfinite(losses["loss"].detach()), torch.inf, float(self.state.global_step + 1))
        self._broken = broken if self._broken is None else torch.minimum(self._broken, broken)
        for name, value in losses.items():
            if name != "loss":
                self._logged[name] = self._logged.get(name, 0) + value.detach()
        return losses["loss"]

    def check_loss(self) -> None:
        """Raise LabradorError if the loss of any step since the last check was not finite."""
        if self._broken is not None and torch.isfinite(self._broken):
            raise LabradorError(
                f"training step {int(self._broken.item())}: the loss is not a finite number; lower "
                "train.learning_rate or train.max_grad_norm, or set train.precision=float32"
            )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the objective's other losses, averaged over steps and processes like the trained one."""
        self.check_loss()
        if "loss" in logs:
            steps = self.state.global_step - self._logged_at
            for name, total in self._logged.items():
                logs[name] = self.accelerator.reduce(total / steps, reduction="mean").item()
            self._logged, self._logged_at = {}, self.state.global_step
        super().log(logs, start_time)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Groups: the backbone's matrices; its biases and norms, without decay; the model's own groups."""
        if self.optimizer is None:
            rate, decay = self.args.learning_rate, self.args.weight_decay
            backbone = dict(self.model.backbone.named_parameters())
            decayed = set(self.get_decay_parameter_names(self.model.backbone))
            groups = [
                {
                    "params": [value for name, value in backbone.items() if (name in decayed) == flag],
                    "weight_decay": size,
                }
                for flag, size in ((True, decay), (False, 0.0))
            ]
            self.optimizer = make_optimizer(self._optimizer, groups, self.model.own_groups(rate, decay), rate)
        made: torch.optim.Optimizer = self.optimizer
        return made

    def train(self, resume_from_checkpoint: Any = None, **kwargs: Any) -> Any:
        """Train to the end, from a checkpoint's folder or from the start."""
        if resume_from_checkpoint is not None:
            self._logged_at = int(Path(resume_from_checkpoint).name.rpartition("-")[2])
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the weights for `_load_from_checkpoint`, a shared tower once. Raises LabradorError as `check_loss`."""
        self.check_loss()
        if self.args.should_save:
            folder = Path(output_dir or self.args.output_dir)
            folder.mkdir(parents=True, exist_ok=True)
            save_model(self.model, str(folder / WEIGHTS))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_model(self.model, str(Path(resume_from_checkpoint) / WEIGHTS))


def arguments(settings: TrainSettings, steps: int, seed: int, folder: Path, device: str) -> TrainingArguments:
    """The Trainer's settings for `steps` optimizer steps; nothing is reported, or written outside `folder`."""
    made = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=settings.rising(steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        bf16=settings.precision == "bfloat16",
        save_strategy="no" if settings.save_steps is None else "steps",
        save_steps=settings.save_steps or steps,
        logging_steps=min(settings.log_steps, steps),
        logging_nan_inf_filter=False,
        seed=seed,
        use_cpu=device == "cpu",
        disable_tqdm=True,
        report_to="none",
        ddp_find_unused_parameters=False,  # every step uses every parameter
    )
    made._n_gpu = min(made.n_gpu, 1)  # one process, one GPU: no torch.nn.DataParallel
    return made
