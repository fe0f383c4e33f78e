"""A teaching that is killed, and one in two processes: as if it were not."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from labels import lessons
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens
from labrador.labels.teacher import MODEL
from labrador.labels.teaching import CollatePairs, TrainableTeacher
from labrador.labels.template import Template
from labrador.machine import processes
from labrador.samplers.base import Example
from labrador.training.batches import Part
from labrador.training.trainer import RetrieverTrainer
from training import toy

COUNTS = [8, 5, 2, 1]  # questions of a batch, over both processes


def dropping(folder: Path, out: Path) -> dict[str, torch.Tensor]:
    """Nine steps in three epochs of three batches (8, 8, 5 questions), with dropout, each in two parts."""
    return lessons.teach(folder, out, gradient_accumulation=2, save_steps=2)


def killed_at_step(folder: Path, out: Path, step: int) -> None:
    """Die in the step after `step`, before its weights are changed."""
    whole = RetrieverTrainer.compute_loss

    def compute_loss(self: RetrieverTrainer, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, *args, **kwargs)

    RetrieverTrainer.compute_loss = compute_loss
    dropping(folder, out)


def test_killed_and_continued_it_gives_the_same_weights(texts: Path, tmp_path: Path):
    whole = dropping(texts, tmp_path / "whole")
    for step in (1, 5):
        assert toy.in_processes(killed_at_step, 1, texts, tmp_path / "killed", step) == [-signal.SIGKILL]
    assert [path.name for path in (tmp_path / "killed" / "trainer").iterdir()] == ["checkpoint-4"]
    found = dropping(texts, tmp_path / "killed")
    assert found.keys() == whole.keys()
    assert [name for name in whole if not torch.equal(found[name], whole[name])] == []
    assert toy.curve(tmp_path / "killed") == toy.curve(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["curve.jsonl", MODEL]


def test_a_finished_one_is_not_begun_again(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = lessons.teach(texts, tmp_path, max_steps=1)
    monkeypatch.setattr(Tiny, "load_classifier", None)
    assert lessons.teach(texts, tmp_path, max_steps=1).keys() == whole.keys()


class Bag(nn.Module):
    """A teacher in double precision, in which rounding cannot hide a mistake: sums of token values, bent."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(2000, 6, dtype=torch.float64)
        self.head = nn.Linear(6, 1, dtype=torch.float64)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        sides = mask * (1 - types), mask * types
        asked, read = ((self.tokens(ids) * side[:, :, None]).sum(dim=1) for side in sides)
        return self.head(torch.tanh(asked * read))[:, 0]


def losses_and_gradients(folder: Path, out: Path) -> None:
    """The loss and the gradients of batches of each size, as this process sees them after averaging."""
    rank, world = processes.rank(), processes.world_size()
    torch.manual_seed(0)
    module = TrainableTeacher(Bag())  # type: ignore[arg-type]
    model: Any = module if world == 1 else nn.parallel.DistributedDataParallel(module)
    template = Template.of(Tiny().tokenizer(), 512)
    collate = CollatePairs(template, Tokens(folder / "queries"), Tokens(folder / "passages"), rank, world)
    results: dict[str, torch.Tensor] = {}
    for count in COUNTS:
        module.zero_grad()
        examples = [Example(row, row, tuple(range(row + 1, row + 2 + row % 3))) for row in range(count)]
        inputs = collate(Part(examples, count))
        inputs["relevant"] = inputs["relevant"].double()
        loss = model(inputs, 0)["loss"]
        loss.backward()
        value = loss.detach() / world
        if world > 1:
            torch.distributed.all_reduce(value)
        results[f"{count}:loss"] = value
        results |= {f"{count}:{name}": parameter.grad.clone() for name, parameter in module.named_parameters()}
    save_file(results, out / f"{world}-{rank}.safetensors")


def test_loss_and_gradients_of_two_processes_are_those_of_one(texts: Path, tmp_path: Path):
    """With 5 questions the shares have 2 and 3; with 1 the first process has none."""
    losses_and_gradients(texts, tmp_path)
    assert toy.in_processes(losses_and_gradients, 2, texts, tmp_path) == [0, 0]
    expected = load_file(tmp_path / "1-0.safetensors")
    assert expected["1:teacher.tokens.weight"].abs().max() > 1e-3
    for rank in range(2):
        found = load_file(tmp_path / f"2-{rank}.safetensors")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert value.dtype == torch.float64
            assert (found[name] - value).abs().max() <= 1e-12, name


def still(folder: Path, out: Path, accumulation: int) -> None:
    lessons.teach(folder, out, dropout=0.0, gradient_accumulation=accumulation, save_steps=4)


@pytest.mark.parametrize("accumulation", [1, 4])
def test_a_teaching_in_two_processes_equals_one_in_one(texts: Path, tmp_path: Path, accumulation: int):
    """With four parts, the last part of the last batch has one question, so that a process has none."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    still(texts, tmp_path / "one", accumulation)
    assert toy.in_processes(still, 2, texts, tmp_path / "two", accumulation) == [0, 0]
    one, two = toy.weights(tmp_path / "one"), toy.weights(tmp_path / "two")
    start = Tiny().load_classifier(ready=False).get_parameter("classifier.weight")
    assert (one[f"{MODEL}/model.safetensors:classifier.weight"] - start).abs().max() > 1e-3
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert (two[name] - value).abs().max() <= 1e-4, name
    losses = [[line["loss"] for line in toy.curve(tmp_path / name)] for name in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
