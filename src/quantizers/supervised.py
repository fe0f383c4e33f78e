"""Quantizers that learn from judged queries: a layer on frozen vectors, trained by its retriever's own loss."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrays.vectors import sample
from ..errors import LabradorError, SettingError
from ..losses.base import Batch, Objective, Roles
from ..machine.progress_bar import bar
from ..samplers.ann import ANNHard
from ..samplers.base import Example, Pool
from ..samplers.batch import distinct_passages, other_positives, roles_of
from ..settings import component, setting
from .base import JudgedQueries, Quantizer, State, TrainingVectors, Vectors

PROBE = 10_000  # vectors whose mean length is taken, at most
WARMUP = 0.1  # share of the steps in which the learning rate rises; it falls linearly afterwards
DEPTH = "hard negatives are drawn from this many passages that the vectors rank best"  # the help line of a setting


@component
class SupervisedQuantizer(Quantizer):
    """Settings of a training on frozen vectors; the number of steps, not the data, decides how long it takes."""

    supervised: ClassVar[bool] = True

    steps: int = setting(300, "optimizer steps on frozen vectors", ge=1)
    batch_size: int = setting(128, "queries per optimizer step", ge=1)
    learning_rate: float = setting(1e-3, "peak learning rate; a trained rotation has a tenth of it", gt=0)
    negatives: int = setting(1, "hard negatives per query", ge=0)
    depth: int = setting(50, DEPTH, ge=1)
    training_queries: int = setting(10_000, "maximum number of judged train queries to learn from", ge=1)

    def __post_init__(self) -> None:
        if self.negatives > self.depth:
            raise SettingError("negatives", self.negatives, f"at most depth={self.depth}", "lower it, or raise depth")

    def start(self, dimension: int) -> Quantizer | None:
        """The quantizer of vectors [N, dimension] whose parameters it starts from; None: it starts from nothing."""
        return None

    def check(self, dimension: int, passages: int | None = None) -> None:
        """There must be more passages than hard negatives of one query."""
        if passages is not None and passages < 2:
            raise LabradorError(
                f"quantizer={self.option}: expected two passages or more to tell apart, the corpus has {passages}; use "
                "quantizer=flat, or a larger corpus"
            )
        if passages is not None and self.negatives >= passages:
            remedy = f"set quantizer.negatives={passages - 1}"
            expected = f"fewer than the {passages} passages"
            raise SettingError("negatives", self.negatives, expected, remedy, "quantizer")

    def check_spare(self, spare: int) -> None:
        """Raise SettingError for more negatives than the `spare` passages that may be a train query's negatives."""
        if self.negatives > spare:
            expected = f"at most {spare}: a train query has no more passages beyond its positives and their duplicates"
            remedy = f"set quantizer.negatives={spare}, or use a larger corpus"
            raise SettingError("negatives", self.negatives, expected, remedy, "quantizer")


def judged_queries(x: TrainingVectors) -> JudgedQueries:
    """The judged queries of `x`; raises LabradorError where there are none."""
    if x.judged is None or not x.judged.positives.lengths.any():
        raise LabradorError(
            "a supervised quantizer: expected a judged train query to learn from, there is none; use data with a train "
            "split, or a quantizer that learns from passages alone (flat, sq8, lsh, pq, opq, rabitq)"
        )
    return x.judged


def mean_length(vectors: Vectors, seed: int) -> float:
    """The mean length of the vectors [N, D], of a sample of them."""
    return float(np.linalg.norm(sample(vectors, PROBE, seed), axis=1).mean())


def learn(
    objective: Objective,
    x: TrainingVectors,
    settings: SupervisedQuantizer,
    seed: int,
    lengths: tuple[float, float],
    start: State | None = None,
) -> State:
    """Train the objective's own parameters, from `start`, on the judged queries of `x`; the vectors stay as they are.

    Queries and passages are divided by `lengths` before the loss sees them. AdamW with a linear warmup and decay.
    Raises LabradorError when the loss is not finite.
    """
    import torch

    from ..losses.module import ObjectiveModule

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for parameters that start at random
        module = ObjectiveModule(objective, x.passages.shape[1])
    module.start_from(start or {})
    optimizer = torch.optim.AdamW(module.parameter_groups())
    rising = max(1, round(WARMUP * settings.steps))

    def rate(step: int) -> float:
        return min((step + 1) / rising, (settings.steps - step) / max(1, settings.steps - rising))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    with bar("learning codes", " steps", total=settings.steps) as shown:
        for step, examples in zip(range(settings.steps), batches(x, settings, seed), strict=False):
            losses = module(tensors(examples, x, lengths, step))["loss"]
            loss = losses.mean()
            if not torch.isfinite(loss):
                raise LabradorError(
                    f"learning codes, step {step + 1}: expected a finite loss, it is {loss.item()}; lower "
                    f"quantizer.learning_rate={settings.learning_rate}"
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            shown.update(1)
    return {name: value.numpy() for name, value in module.state_dict().items()}


def batches(x: TrainingVectors, settings: SupervisedQuantizer, seed: int) -> Iterator[list[Example]]:
    """Batches without end: every query once an epoch, negatives among its best passages."""
    judged = judged_queries(x)
    sampler = ANNHard(negatives=settings.negatives, depth=settings.depth, positive=judged.positive)
    pool = Pool(judged.positives, judged.negatives, len(x.passages), settings.batch_size, seed, judged.spared)
    epoch = 0
    while True:
        yield from sampler.batches(pool, epoch)
        epoch += 1


def tensors(examples: list[Example], x: TrainingVectors, lengths: tuple[float, float], step: int) -> Batch:
    """The frozen vectors of a batch, divided by `lengths`: every distinct passage once."""
    import torch

    judged = judged_queries(x)
    rows, positives = distinct_passages(examples)
    queries = np.array([example.query for example in examples], dtype=np.int64)
    spared = judged.positives if judged.spared is None else judged.spared
    masked = other_positives(queries, positives, rows, spared)
    return Batch(
        torch.from_numpy(taken(judged.queries, queries, lengths[0])),
        torch.from_numpy(taken(x.passages, rows, lengths[1])),
        torch.from_numpy(positives),
        torch.from_numpy(masked),
        step,
        Roles(*map(torch.from_numpy, roles_of(examples, rows))),
    )


def taken(vectors: Vectors, rows: NDArray[np.int64], length: float) -> NDArray[np.float32]:
    """`rows` [n] of vectors [N, D], which may be a memory map, divided by `length`, as float32 [n, D]."""
    return np.asarray(vectors[rows], dtype=np.float32) / np.float32(length)
