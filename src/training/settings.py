"""How an encoder is trained: the keys of conf/train. Imports no torch."""

from dataclasses import replace
from typing import Literal

from ..errors import LabradorError, SettingError
from ..settings import component, setting

CURVE = "curve.jsonl"  # of a finished training, in its folder; written last
DEV_RANK = "dev_rank"  # in a point of that curve


@component
class TrainSettings:
    """An optimizer with a linear warmup and decay, the same for every method."""

    epochs: int = setting(1, "passes over the train queries", ge=1)
    max_steps: int | None = setting(
        None, "stop after this many optimizer steps, and schedule the learning rate for them; null: all epochs", ge=1
    )
    batch_size: int = setting(32, "queries per optimizer step, over all processes", ge=1)
    gradient_accumulation: int = setting(
        1, "parts that a batch is processed in; in-batch negatives come from a query's own part", ge=1
    )
    optimizer: Literal["adamw", "lamb"] = setting(
        "adamw", "optimizer; lamb suits batches of thousands and needs a higher learning rate", key="unless default"
    )
    learning_rate: float = setting(2e-5, "peak learning rate", gt=0)
    warmup: float = setting(0.06, "share of the steps in which the learning rate rises", ge=0, le=1)
    warmup_steps: int | None = setting(
        None,
        "steps in which the learning rate rises, instead of a share; null: use train.warmup",
        key="unless default",
        ge=0,
    )
    weight_decay: float = setting(0.0, "weight decay of matrices; biases and norms have none", ge=0)
    max_grad_norm: float = setting(2.0, "gradients with a larger norm are scaled down to this one; 0: never", ge=0)
    dropout: float | None = setting(
        None, "dropout in the encoder's layers; null: the model's own; 0 trains twice as fast on a CPU", ge=0, lt=1
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto", "precision of the encoder's matrix products; auto: the best the device supports"
    )
    keep: Literal["auto", "best", "last"] = setting(
        "auto",
        "weights to keep: the last, or those with the best dev rank; auto: best for bpr with several epochs and a dev "
        "split that is not scored",
        key=False,
    )
    dev_from: float = setting(
        0.75,
        "share of the steps before the first dev rank is taken; then once per epoch",
        key=False,
        ge=0,
        le=1,
    )
    dev_questions: int | None = setting(None, "maximum number of dev queries to rank; null: all", key=False, ge=1)
    save_steps: int | None = setting(
        None, "optimizer steps between checkpoints; null: none, so a killed training starts over", decides=False, ge=1
    )
    log_steps: int = setting(10, "optimizer steps between points of the training curve", decides=False, ge=1)
    workers: int = setting(0, "processes that prepare batches", decides=False, ge=0)

    def __post_init__(self) -> None:
        if self.batch_size % self.gradient_accumulation:
            expected = f"a divisor of batch_size={self.batch_size}"
            raise SettingError("gradient_accumulation", self.gradient_accumulation, expected)

    def resolved(self, device: str) -> "TrainSettings":
        """These settings with `precision: auto` replaced by what `device` has."""
        if self.precision != "auto":
            return self
        from ..machine.devices import precision

        return replace(self, precision=precision(device))

    def rising(self, steps: int) -> int:
        """The number of optimizer steps, of `steps` in all, in which the learning rate rises.

        Raises LabradorError where `warmup_steps` are more.
        """
        if self.warmup_steps is None:
            return round(self.warmup * steps)
        if self.warmup_steps > steps:
            raise LabradorError(
                f"train.warmup_steps={self.warmup_steps}: this training has {steps} steps, so its learning rate "
                "would never reach its peak; lower it, or set train.warmup_steps=null for a share (train.warmup)"
            )
        return self.warmup_steps

    @property
    def visits(self) -> int | None:
        """At most so many queries are visited; None: all, in every epoch."""
        return None if self.max_steps is None else self.max_steps * self.batch_size

    def steps(self, batches: int) -> int:
        """Optimizer steps of a training whose epochs have `batches` batches."""
        steps = self.epochs * batches
        return steps if self.max_steps is None else min(steps, self.max_steps)
