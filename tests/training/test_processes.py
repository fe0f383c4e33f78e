"""Two processes train like one: loss, gradients, weights."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from labrador.encoders.tokens import Tokens
from labrador.encoders.towers import load_towers
from labrador.losses.base import Objective
from labrador.losses.bidr import BiDRLoss, UnifiedQueryLoss
from labrador.losses.pair import PAIRLoss
from labrador.machine import processes
from labrador.samplers.base import Example
from labrador.training.batches import Collate, Part, share
from labrador.training.encoder import TrainableEncoder
from labrador.training.frozen import FrozenPassages
from training import toy

COUNTS = [8, 5, 2, 1]  # queries of a batch, over both processes
STILL = toy.Still(shared=True)


def examples(count: int) -> list[Example]:
    """Neighbours have a positive passage in common, some negatives are others' positives, and one comes thrice."""
    return [Example(row, row, (row + 1, 30, 31 + row), lexical=(30 + row, 25)) for row in range(count)]


class Bag(nn.Module):
    """Towers in double precision, in which rounding cannot hide a mistake: the mean of token vectors, bent."""

    dimension, pad_id = 6, 0

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.ModuleDict({side: nn.Embedding(2000, 6, dtype=torch.float64) for side in ("query", "passage")})

    def tower(self, side: str) -> nn.Module:
        return self.tokens[side]

    def encode(self, side: str, input_ids: torch.Tensor, attention_mask: torch.Tensor, *types: Any) -> torch.Tensor:
        mask = attention_mask[:, :, None]
        return torch.tanh((self.tokens[side](input_ids) * mask).sum(dim=1) / mask.sum(dim=1)) * 3


def parts(count: int, gathered: bool) -> list[Part]:
    """A batch of `count` queries; not gathered, in one process: the two shares of it, each by itself."""
    whole = examples(count)
    if gathered or processes.world_size() > 1:
        return [Part(whole, count)]
    shares = [whole[share(count, rank, 2)] for rank in range(2)]
    return [Part(own, count) for own in shares if own]


def losses_and_gradients(
    folder: Path, out: Path, objectives: list[Objective], gathered: bool, frozen: bool = False
) -> None:
    """The losses and gradients of batches of each size, as this process sees them after averaging."""
    rank, world = processes.rank(), processes.world_size()
    queries, passages = Tokens(folder / "queries"), Tokens(folder / "passages")
    results: dict[str, torch.Tensor] = {}
    encoders = ("bag",) if frozen else ("bag", "tiny")
    for encoder, objective in itertools.product(encoders, objectives):
        name_of = f"{encoder}:{type(objective).__name__}"
        dense, decoded = np.random.default_rng(0).normal(size=(2, toy.PASSAGES, 6)).astype(np.float32)
        torch.manual_seed(0)
        towers: Any = Bag() if encoder == "bag" else load_towers(STILL)
        module = TrainableEncoder(towers, objective)
        if encoder == "bag":
            module.double()
        if frozen:
            towers.tokens["passage"].requires_grad_(False)
        texts = FrozenPassages(dense.__getitem__, decoded.__getitem__) if frozen else passages
        crosses = objective.crosses_queries
        collate = Collate(
            queries, texts, toy.positives(), towers.pad_id, rank, world, gathered, crosses_queries=crosses
        )
        model: Any = module if world == 1 else nn.parallel.DistributedDataParallel(module)
        for count in COUNTS:
            module.zero_grad()
            for part in parts(count, gathered):
                inputs = collate(part)
                if frozen:
                    for kind in ("vectors", "decoded"):
                        inputs["passages"][kind] = inputs["passages"][kind].double()
                losses = model(inputs, 3)
                losses["loss"].backward()
                for name, loss in losses.items():
                    value = loss.detach() / world
                    if world > 1:
                        torch.distributed.all_reduce(value)
                    key = f"{name_of}:{count}:{name}"
                    results[key] = results.get(key, 0) + value
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    results[f"{name_of}:{count}:{name}"] = parameter.grad.clone()
    save_file(results, out / f"{world}-{rank}.safetensors")


def assert_two_equal_one(folder: Path, out: Path, *how: Any) -> dict[str, torch.Tensor]:
    """Compare both processes' losses and gradients with those of one process, which are returned."""
    losses_and_gradients(folder, out, *how)
    assert toy.in_processes(losses_and_gradients, 2, folder, out, *how) == [0, 0]
    expected = load_file(out / "1-0.safetensors")
    for rank in range(2):
        found = load_file(out / f"2-{rank}.safetensors")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            tolerance = 1e-12 if value.dtype == torch.float64 else 1e-4
            assert (found[name] - value).abs().max() <= tolerance * value.abs().max().clamp(min=1), name
    return expected


OBJECTIVES = [toy.Rescaled(), PAIRLoss(alpha=0.5), BiDRLoss(codebooks=2, centroids=4, reconstruction=0.1)]


def test_loss_and_gradients_equal_one_process_with_the_whole_batch(texts: Path, tmp_path: Path):
    expected = assert_two_equal_one(texts, tmp_path, OBJECTIVES, True)
    assert expected["bag:Rescaled:1:towers.tokens.query.weight"].abs().max() > 1e-3
    assert expected["bag:PAIRLoss:8:passage"] > 1  # the other queries and the hard negatives of both


def test_not_gathered_they_equal_the_mean_of_the_shares_worked_by_themselves(texts: Path, tmp_path: Path):
    """With 5 queries the shares have 2 and 3; with 1 the first process has none."""
    expected = assert_two_equal_one(texts, tmp_path, OBJECTIVES, False)
    losses_and_gradients(texts, tmp_path, OBJECTIVES, True)
    whole = load_file(tmp_path / "1-0.safetensors")
    for name in ("Rescaled", "PAIRLoss"):
        assert whole[f"bag:{name}:8:loss"] > expected[f"bag:{name}:8:loss"] + 1e-3  # more negatives
        assert torch.equal(whole[f"bag:{name}:1:loss"], expected[f"bag:{name}:1:loss"])


@pytest.mark.parametrize("gathered", [True, False])
def test_frozen_passages_are_shared_alike(texts: Path, tmp_path: Path, gathered: bool):
    expected = assert_two_equal_one(texts, tmp_path, [PAIRLoss(), UnifiedQueryLoss()], gathered, True)
    assert "bag:UnifiedQueryLoss:8:towers.tokens.query.weight" in expected
    assert "bag:UnifiedQueryLoss:8:towers.tokens.passage.weight" not in expected


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
    start = dict(load_towers(STILL).query.model.named_parameters())
    moved = one["towers/encoder/model.safetensors:embeddings.word_embeddings.weight"]
    assert (moved - start["embeddings.word_embeddings.weight"]).abs().max() > 1e-3
    for name, value in one.items():
        assert (two[name] - value).abs().max() <= 1e-4, name
    for line, other in zip(toy.curve(tmp_path / "one"), toy.curve(tmp_path / "two"), strict=True):
        assert json.dumps(sorted(line)) == json.dumps(sorted(other))
        assert other["loss"] == pytest.approx(line["loss"], rel=1e-4)
        assert other["norms"] == pytest.approx(line["norms"], rel=1e-4)


def train_apart(folder: Path, out: Path) -> None:
    toy.run(folder, out, encoder=STILL, objective=toy.Rescaled(), gathered=False, gradient_accumulation=4)


def test_a_training_in_two_processes_that_do_not_gather(texts: Path, tmp_path: Path):
    """Every part has two queries, one for each process; the last part has one, so that a process has none."""
    assert toy.in_processes(train_apart, 2, texts, tmp_path) == [0, 0]
    (tmp_path / "alone").mkdir()
    toy.run(texts, tmp_path / "alone", encoder=STILL, objective=toy.Rescaled(), gradient_accumulation=8)
    two, one = toy.curve(tmp_path), toy.curve(tmp_path / "alone")
    # what one process gets with parts of one query: its negatives are its own, too
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], rel=1e-4)
