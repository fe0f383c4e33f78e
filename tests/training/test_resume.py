"""A training that is killed at any step and started again ends with the same weights."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from labrador.training import checkpoints, encoder, loop
from labrador.training.trainer import RetrieverTrainer
from training import toy

# Nine steps in three epochs of three batches (8, 8, 5 queries); dropout is on, the objective has parameters.
SETTINGS: dict[str, Any] = {"gradient_accumulation": 2, "save_steps": 2}


def die() -> None:
    """End this process as a kill does: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, out: Path, **settings: Any) -> dict[str, torch.Tensor]:
    return toy.run(folder, out, objective=toy.Rescaled(), **SETTINGS | settings)


def killed_at_step(folder: Path, out: Path, step: int, optimizer: str = "adamw") -> None:
    """Die in the step after `step`, before its weights are changed."""
    whole = RetrieverTrainer.compute_loss

    def compute_loss(self: RetrieverTrainer, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == step:
            die()
        return whole(self, *args, **kwargs)

    RetrieverTrainer.compute_loss = compute_loss
    run(folder, out, optimizer=optimizer)


def killed_in(owner: Any, name: str, folder: Path, out: Path, call: int) -> None:
    """Die when `name` of `owner` (a class or a module) is called for the given time, counted from 1."""
    whole, calls = getattr(owner, name), []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) == call:
            die()
        return whole(*args, **kwargs)

    setattr(owner, name, wrapped)
    run(folder, out)


def killed_writing_the_checkpoint(folder: Path, out: Path) -> None:
    killed_in(RetrieverTrainer, "_save_rng_state", folder, out, 2)


def killed_before_the_mark(folder: Path, out: Path) -> None:
    killed_in(checkpoints, "sync_tree", folder, out, 1)


def killed_writing_the_towers(folder: Path, out: Path) -> None:
    killed_in(encoder, "save_file", folder, out, 1)


def killed_before_the_last_name(folder: Path, out: Path) -> None:
    killed_in(loop, "sync_tree", folder, out, 1)


def killed_before_removing(folder: Path, out: Path) -> None:
    killed_in(shutil, "rmtree", folder, out, 4)  # three times for the older checkpoints


def killed_after_removing(folder: Path, out: Path) -> None:
    run(folder, out)
    die()


@pytest.fixture(scope="module")
def unbroken(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, torch.Tensor], Path]:
    out = tmp_path_factory.mktemp("unbroken")
    return run(texts, out), out


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def test_the_same_settings_give_the_same_weights(texts: Path, tmp_path: Path, unbroken: Any):
    assert_same(run(texts, tmp_path, save_steps=None), unbroken[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.jsonl", "objective.safetensors", "towers"]


@pytest.mark.parametrize("step", [1, 4, 6, 7])
def test_killed_at_a_step(texts: Path, tmp_path: Path, unbroken: Any, step: int):
    """Before the first checkpoint, at one in the middle of an epoch, at one between epochs, and past one."""
    assert toy.in_processes(killed_at_step, 1, texts, tmp_path, step) == [-signal.SIGKILL]
    whole = [f"checkpoint-{step // 2 * 2}"] if step > 1 else []
    assert [path.name for path in (tmp_path / "trainer").iterdir()] == whole
    assert_same(run(texts, tmp_path), unbroken[0])
    assert toy.curve(tmp_path) == toy.curve(unbroken[1])
    assert not (tmp_path / "trainer").exists()


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (killed_writing_the_checkpoint, {"checkpoint-2", "checkpoint-4"}),
        (killed_before_the_mark, {"checkpoint-2"}),
        (killed_writing_the_towers, {"checkpoint-8"}),
        (killed_before_the_last_name, {"checkpoint-8"}),
    ],
)
def test_killed_while_writing(
    texts: Path, tmp_path: Path, unbroken: Any, function: Callable[..., None], left: set[str]
):
    assert toy.in_processes(function, 1, texts, tmp_path) == [-signal.SIGKILL]
    assert {path.name for path in (tmp_path / "trainer").iterdir()} == left
    assert_same(run(texts, tmp_path), unbroken[0])


@pytest.mark.parametrize("function", [killed_before_removing, killed_after_removing])
def test_killed_when_all_is_written(
    texts: Path, tmp_path: Path, unbroken: Any, function: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    """Nothing is trained again, with the checkpoints still there and without."""
    assert toy.in_processes(function, 1, texts, tmp_path) == [-signal.SIGKILL]
    assert (tmp_path / "trainer").exists() == (function is killed_before_removing)
    monkeypatch.setattr(RetrieverTrainer, "train", None)
    assert_same(run(texts, tmp_path), unbroken[0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.jsonl", "objective.safetensors", "towers"]


def test_killed_twice(texts: Path, tmp_path: Path, unbroken: Any):
    for step in (3, 5):
        assert toy.in_processes(killed_at_step, 1, texts, tmp_path, step) == [-signal.SIGKILL]
    assert_same(run(texts, tmp_path), unbroken[0])


def test_killed_with_another_optimizer(texts: Path, tmp_path: Path, unbroken: Any):
    whole = run(texts, tmp_path / "whole", optimizer="lamb")
    assert toy.in_processes(killed_at_step, 1, texts, tmp_path / "killed", 5, "lamb") == [-signal.SIGKILL]
    assert [path.name for path in (tmp_path / "killed" / "trainer").iterdir()] == ["checkpoint-4"]
    assert_same(run(texts, tmp_path / "killed", optimizer="lamb"), whole)
    assert not all(torch.equal(value, unbroken[0][name]) for name, value in whole.items())


def test_workers_change_nothing(texts: Path, tmp_path: Path, unbroken: Any):
    assert_same(run(texts, tmp_path, workers=2, save_steps=None), unbroken[0])
