"""How an encoder is trained: the keys of conf/train. Imports no torch."""

from dataclasses import dataclass, field, replace

from ..errors import LabradorError

CURVE = "curve.jsonl"  # of a finished training, in its folder; written last
OPTIMIZERS = ("adamw", "lamb")
DEV_RANK = "dev_rank"  # in a point of that curve
KEEPS = ("auto", "best", "last")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """An optimizer with a linear warmup and decay, the same for every method."""

    epochs: int = 1  # passes over the train queries
    max_steps: int | None = None  # stop after this many optimizer steps, the schedule fitted to them; null: all epochs
    batch_size: int = 32  # queries per optimizer step, over all processes
    gradient_accumulation: int = 1  # parts that a batch is worked in; in-batch negatives come from the query's part
    optimizer: str = field(default="adamw", metadata={"key": "unless default"})  # adamw, or lamb for large batches
    learning_rate: float = 2e-5  # at its peak
    warmup: float = 0.06  # share of the steps in which the learning rate rises
    warmup_steps: int | None = field(default=None, metadata={"key": "unless default"})  # in place of the share
    weight_decay: float = 0.0  # of matrices; biases and norms have none
    max_grad_norm: float = 2.0  # gradients are scaled down to this norm; 0: never
    dropout: float | None = None  # share of numbers dropped in the encoder's layers; null: as the model comes
    precision: str = "auto"  # of the encoder's matrix products: float32, bfloat16; auto: the device's
    keep: str = field(default="auto", metadata={"key": False})  # weights: of the best dev rank, or last
    dev_from: float = field(default=0.75, metadata={"key": False})  # share of the steps after which the rank is taken
    dev_questions: int | None = field(default=None, metadata={"key": False})  # that are ranked, at most; null: all
    save_steps: int | None = field(default=None, metadata={"key": False})  # steps between checkpoints; null: none
    log_steps: int = field(default=10, metadata={"key": False})  # steps between lines of the training curve
    workers: int = field(default=0, metadata={"key": False})  # processes that prepare batches

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "gradient_accumulation", "log_steps"):
            self._expect(name, getattr(self, name) >= 1, "1 or more")
        for name in ("max_steps", "save_steps", "dev_questions"):
            self._expect(name, getattr(self, name) is None or getattr(self, name) >= 1, "1 or more, or null,")
        self._expect("warmup_steps", self.warmup_steps is None or self.warmup_steps >= 0, "0 or more, or null,")
        for name in ("weight_decay", "max_grad_norm", "workers"):
            self._expect(name, getattr(self, name) >= 0, "0 or more")
        self._expect("learning_rate", self.learning_rate > 0, "a number above 0")
        self._expect("warmup", 0 <= self.warmup <= 1, "a share from 0 to 1")
        self._expect("dropout", self.dropout is None or 0 <= self.dropout < 1, "a share from 0 to below 1, or null,")
        self._expect("keep", self.keep in KEEPS, f"one of {', '.join(KEEPS)}")
        self._expect("dev_from", 0 <= self.dev_from <= 1, "a share from 0 to 1")
        self._expect("optimizer", self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}")
        self._expect("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}")
        divides = self.batch_size % self.gradient_accumulation == 0
        self._expect("gradient_accumulation", divides, f"a divisor of train.batch_size={self.batch_size}")

    def _expect(self, name: str, met: bool, expected: str) -> None:
        if not met:
            raise LabradorError(
                f"train.{name}={getattr(self, name)}: {expected} was expected; set train.{name} to that"
            )

    def resolved(self, device: str) -> "TrainSettings":
        """These settings with `precision: auto` replaced by what `device` has."""
        if self.precision != "auto":
            return self
        from ..machine.devices import precision

        return replace(self, precision=precision(device))

    def rising(self, steps: int) -> int:
        """Of so many optimizer steps, those in which the learning rate rises.

        Raises LabradorError where `warmup_steps` are more.
        """
        if self.warmup_steps is None:
            return round(self.warmup * steps)
        if self.warmup_steps > steps:
            raise LabradorError(
                f"train.warmup_steps={self.warmup_steps}: this training has {steps} steps, so that its learning rate "
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
