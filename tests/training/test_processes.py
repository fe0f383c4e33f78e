"""Two processes train like one: loss, gradients, weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from labrador import processes
from labrador.encoders.tokens import Tokens
from labrador.samplers.base import Example
from labrador.training.batches import Collate, Part
from labrador.training.model import TrainingModel
from training import toy

COUNTS = [8, 5, 2, 1]  # queries of a batch, over both processes
STILL = toy.Still(shared=True)


def examples(count: int) -> list[Example]:
    """Neighbours have a positive passage in common, some negatives are others' positives, and one comes thrice."""
    return [Example(row, row, (row + 1, 30, 31 + row)) for row in range(count)]


class Bag(nn.Module):
    """Towers in double precision, in which rounding cannot hide a mistake: the mean of token vectors, bent."""

    dimension, pad_id = 6, 0

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.ModuleDict({side: nn.Embedding(2000, 6, dtype=torch.float64) for side in ("query", "passage")})

    def encode(self, side: str, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask = attention_mask[:, :, None]
        return torch.tanh((self.tokens[side](input_ids) * mask).sum(dim=1) / mask.sum(dim=1)) * 3


def losses_and_gradients(folder: Path, out: Path) -> None:
    """The losses and gradients of batches of each size, as this process sees them after averaging."""
    rank, world = processes.rank(), processes.world_size()
    queries, passages = Tokens(folder / "queries"), Tokens(folder / "passages")
    results = {}
    for encoder in ("bag", "tiny"):
        torch.manual_seed(0)
        towers: Any = Bag() if encoder == "bag" else STILL.build()
        module = TrainingModel(towers, toy.Rescaled().build(towers.dimension))
        if encoder == "bag":
            module.double()
        collate = Collate(queries, passages, toy.positives(), towers.pad_id, rank, world)
        model: Any = module if world == 1 else nn.parallel.DistributedDataParallel(module)
        for count in COUNTS:
            module.zero_grad()
            losses = model(**collate(Part(examples(count), count)), step=3)
            losses["loss"].backward()
            for name, loss in losses.items():
                value = loss.detach() / world
                if world > 1:
                    torch.distributed.all_reduce(value)
                results[f"{encoder}:{count}:{name}"] = value
            for name, parameter in module.named_parameters():
                results[f"{encoder}:{count}:{name}"] = parameter.grad.clone()
    save_file(results, out / f"{world}-{rank}.safetensors")


def test_loss_and_gradients_equal_one_process_with_the_whole_batch(texts: Path, tmp_path: Path):
    losses_and_gradients(texts, tmp_path)
    assert toy.in_processes(losses_and_gradients, 2, texts, tmp_path) == [0, 0]
    expected = load_file(tmp_path / "1-0.safetensors")
    assert expected["bag:1:towers.tokens.query.weight"].abs().max() > 1e-3
    for rank in range(2):
        found = load_file(tmp_path / f"2-{rank}.safetensors")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            tolerance = 1e-12 if value.dtype == torch.float64 else 1e-4
            assert (found[name] - value).abs().max() <= tolerance * value.abs().max().clamp(min=1), name


def train_alike(folder: Path, out: Path, accumulation: int) -> None:
    toy.run(folder, out, encoder=STILL, objective=toy.Rescaled(), gradient_accumulation=accumulation, save_steps=4)


@pytest.mark.parametrize("accumulation", [1, 4])
def test_a_training_in_two_processes_equals_one_in_one(texts: Path, tmp_path: Path, accumulation: int):
    """With batches of 8, 8 and 5 queries; with four parts, the last part of the last batch has one query."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    train_alike(texts, tmp_path / "one", accumulation)
    assert toy.in_processes(train_alike, 2, texts, tmp_path / "two", accumulation) == [0, 0]
    one, two = toy.weights(tmp_path / "one"), toy.weights(tmp_path / "two")
    start = dict(STILL.build().query.model.named_parameters())
    moved = one["towers/encoder/model.safetensors:embeddings.word_embeddings.weight"]
    assert (moved - start["embeddings.word_embeddings.weight"]).abs().max() > 1e-3
    for name, value in one.items():
        assert (two[name] - value).abs().max() <= 1e-4, name
    for line, other in zip(toy.curve(tmp_path / "one"), toy.curve(tmp_path / "two"), strict=True):
        assert json.dumps(sorted(line)) == json.dumps(sorted(other))
        assert other["loss"] == pytest.approx(line["loss"], rel=1e-4)
        assert other["norms"] == pytest.approx(line["norms"], rel=1e-4)
