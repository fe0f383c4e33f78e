"""The training loop in one process: what it learns, writes, logs and refuses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast, SqueezeBertConfig, SqueezeBertModel

from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.hub import HubEncoder
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens, pad
from labrador.encoders.towers import TwoTower, load_towers
from labrador.errors import LabradorError
from labrador.losses.base import Batch, Objective, State
from labrador.losses.bpr import BPRLoss
from labrador.losses.contrastive import Contrastive, info_nce
from labrador.losses.module import ObjectiveModule
from labrador.samplers.base import Example
from labrador.training.batches import Collate, Part
from labrador.training.encoder import TrainableEncoder
from labrador.training.settings import TrainSettings
from labrador.training.trainer import arguments
from training import toy

TEMPERATURE = 0.05


def loss_of_all(towers: TwoTower, texts: Path) -> float:
    """Mean loss of all toy queries over all toy passages."""
    with torch.inference_mode():
        queries = towers.encode("query", *pad(Tokens(texts / "queries").slice(0, toy.QUERIES), towers.pad_id))
        passages = towers.encode("passage", *pad(Tokens(texts / "passages").slice(0, toy.PASSAGES), towers.pad_id))
        masked = torch.zeros(toy.QUERIES, toy.PASSAGES, dtype=torch.bool)
        return info_nce(queries, passages, torch.arange(toy.QUERIES), masked, TEMPERATURE).mean().item()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss_and_the_towers_load(texts: Path, tmp_path: Path, shared: bool, precision: str):
    encoder = Tiny(shared=shared, pooling="mean", normalize=True)
    settings = {"precision": precision, "epochs": 12, "learning_rate": 3e-3}
    weights = toy.run(texts, tmp_path, encoder=encoder, objective=Contrastive(temperature=TEMPERATURE), **settings)
    assert all(value.dtype == torch.float32 for value in weights.values())
    trained = Checkpoint(encoder, tmp_path / "towers", "trained").towers()
    assert loss_of_all(trained, texts) < loss_of_all(load_towers(encoder), texts) - 0.5


def test_the_curve_has_warmup_and_decay(texts: Path, tmp_path: Path):
    toy.run(texts, tmp_path, warmup=0.34, epochs=3)
    lines = toy.curve(tmp_path)
    assert [line["step"] for line in lines] == list(range(1, 10))
    rates = [round(line["learning_rate"] / 1e-3, 6) for line in lines]
    assert rates == [0, 0.333333, 0.666667, 1, 0.833333, 0.666667, 0.5, 0.333333, 0.166667]
    assert all(line["loss"] > 0 for line in lines)


def test_the_warmup_may_be_counted_in_steps(texts: Path, tmp_path: Path):
    toy.run(texts, tmp_path, warmup=0.9, warmup_steps=2, epochs=3, max_steps=4)
    assert [line["learning_rate"] / 1e-3 for line in toy.curve(tmp_path)] == pytest.approx([0, 0.5, 1, 0.5])


def test_max_steps_cuts_the_schedule_too(texts: Path, tmp_path: Path):
    toy.run(texts, tmp_path, warmup=0.0, epochs=3, max_steps=4)
    assert [line["learning_rate"] / 1e-3 for line in toy.curve(tmp_path)] == pytest.approx([1, 0.75, 0.5, 0.25])


def test_an_objective_trains_with_its_own_learning_rate_and_logs_its_losses(texts: Path, tmp_path: Path):
    """A first step of AdamW moves every weight by its group's rate."""
    settings: dict[str, Any] = {"max_steps": 1, "warmup": 0.0, "encoder": toy.Still(shared=True)}
    weights = toy.run(texts, tmp_path, objective=toy.Rescaled(), **settings)
    torch.manual_seed(0)
    before = ObjectiveModule(toy.Rescaled(), 32).layer.detach()
    after = weights["objective.safetensors:layer"]
    assert (after - before).abs().median().item() == pytest.approx(1e-2, rel=1e-2)
    start = load_towers(toy.Still(shared=True)).query.model.encoder.layer[0].output.dense.weight
    moved = weights["towers/encoder/model.safetensors:encoder.layer.0.output.dense.weight"] - start
    assert moved.abs().median().item() == pytest.approx(1e-3, rel=1e-2)
    assert toy.curve(tmp_path)[0]["norms"] > 0


def test_parts_of_a_batch_add_up_to_its_mean(texts: Path, tmp_path: Path):
    """Without in-batch negatives from other parts, a part's loss is that of a batch of its own size."""
    encoder = toy.Still(shared=True)
    for name, size, accumulation in (("whole", 4, 1), ("parts", 8, 2)):
        settings = {"batch_size": size, "gradient_accumulation": accumulation, "learning_rate": 1e-12, "epochs": 1}
        toy.run(texts, tmp_path / name, encoder=encoder, **settings)
    whole = [line["loss"] for line in toy.curve(tmp_path / "whole")]
    parts = [line["loss"] for line in toy.curve(tmp_path / "parts")]
    expected = [(whole[0] + whole[1]) / 2, (whole[2] + whole[3]) / 2, (whole[4] * 4 + whole[5]) / 5]
    assert parts == pytest.approx(expected, rel=1e-5)


def test_weight_decay_leaves_biases_alone(texts: Path, tmp_path: Path):
    """With no warmup and one step, decay alone tells a matrix from a bias."""
    pairs = {}
    for decay in (0.0, 0.5):
        settings = {"weight_decay": decay, "max_steps": 1, "warmup": 0.0}
        pairs[decay] = toy.run(texts, tmp_path / str(decay), encoder=toy.Still(shared=True), **settings)
    for name, value in pairs[0.0].items():
        assert torch.equal(value, pairs[0.5][name]) == ("bias" in name or "LayerNorm" in name), name


def test_a_loss_that_is_not_finite_stops_the_training(texts: Path, tmp_path: Path):
    with pytest.raises(
        LabradorError, match=r"training step \d+: the loss is not a finite number; lower train.learning_rate"
    ):
        toy.run(texts, tmp_path, learning_rate=1e30, warmup=0.0, max_grad_norm=0.0)
    assert not (tmp_path / "towers").exists()


@dataclass(frozen=True)
class Steep(Objective):
    """A loss of 0 whose gradient is not a number."""

    def losses(self, batch: Batch, state: State) -> dict[str, torch.Tensor]:
        return {"loss": (batch.queries - batch.queries.detach()).abs().sum(dim=1).sqrt()}


def test_weights_that_are_not_finite_are_not_written(texts: Path, tmp_path: Path):
    with pytest.raises(LabradorError, match="not finite after training"):
        toy.run(texts, tmp_path, objective=Steep(), warmup=0.0, max_steps=1)
    assert not (tmp_path / "towers").exists()


def squeezebert(folder: Path) -> HubEncoder:
    """A model whose pooler cannot be left out, with random weights."""
    small = {"hidden_size": 16, "embedding_size": 16, "num_hidden_layers": 1, "intermediate_size": 16}
    groups = {f"{name}_groups": 1 for name in ("q", "k", "v", "post_attention", "intermediate", "output")}
    config = SqueezeBertConfig(vocab_size=len(Tiny().tokenizer()), num_attention_heads=2, **small, **groups)
    SqueezeBertModel(config).save_pretrained(folder)
    Tiny().tokenizer().save_pretrained(folder)
    return HubEncoder(model=str(folder), shared=True)


@pytest.mark.parametrize(
    "encoder",
    [
        Tiny(shared=True),
        Tiny(shared=False, pooling="mean", normalize=True),
        Tiny(shared=False, projection=8),
        squeezebert,
    ],
    ids=["shared", "separate", "projection", "pooler"],
)
def test_a_step_gives_every_trained_weight_a_gradient(texts: Path, tmp_path: Path, encoder: Any):
    """DistributedDataParallel waits for each of them, since nothing looks for unused ones."""
    encoder = encoder if isinstance(encoder, Tiny) else encoder(tmp_path)
    towers = load_towers(encoder)
    collate = Collate(Tokens(texts / "queries"), Tokens(texts / "passages"), toy.positives(), towers.pad_id)
    model = TrainableEncoder(towers, Contrastive())
    model(collate(Part([Example(0, 0, (5,)), Example(3, 3, (6,))], 2)), 0)["loss"].backward()
    without = [name for name, value in model.named_parameters() if value.requires_grad and value.grad is None]
    assert without == []
    frozen = {name.split(".")[-2] for name, value in towers.query.model.named_parameters() if not value.requires_grad}
    assert frozen == ({"dense"} if isinstance(encoder, HubEncoder) else set())
    assert arguments(TrainSettings(), 1, 0, tmp_path, "cpu").ddp_find_unused_parameters is False


def test_no_query_with_a_positive(texts: Path, tmp_path: Path):
    with pytest.raises(LabradorError, match="no train query has a positive passage"):
        toy.run(texts, tmp_path, batches=lambda epoch: [])


def test_the_seed_decides(texts: Path, tmp_path: Path):
    """Dropout is on: another seed of torch's would show."""
    one = toy.run(texts, tmp_path / "one", max_steps=3)
    torch.manual_seed(99)
    two = toy.run(texts, tmp_path / "two", max_steps=3)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_bar_shows_steps_and_loss_and_nothing_else_is_printed(
    texts: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    toy.run(texts, tmp_path, save_steps=3)
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line for line in err.replace("\r", "\n").split("\n") if line]
    assert all(line.startswith("training: ") for line in lines)
    assert "9/9" in lines[-1]
    assert "loss=" in lines[-1]


def test_the_tokenizer_is_written_with_the_towers(texts: Path, tmp_path: Path):
    toy.run(texts, tmp_path, max_steps=1)
    assert len(PreTrainedTokenizerFast.from_pretrained(tmp_path / "towers" / "encoder")) == len(Tiny().tokenizer())


def test_a_second_round_starts_from_the_parameters_of_the_first_rounds_objective(texts: Path, tmp_path: Path):
    settings: dict[str, Any] = {"max_steps": 1, "warmup": 0.0, "encoder": toy.Still(shared=True)}
    first = toy.run(texts, tmp_path / "first", objective=toy.Rescaled(), **settings)
    start = Checkpoint(toy.Still(shared=True), tmp_path / "first" / "towers", "first")
    settings["learning_rate"] = 1e-12
    second = toy.run(texts, tmp_path / "second", objective=toy.Rescaled(rate=1e-12), start=start, **settings)
    name = "objective.safetensors:layer"
    torch.testing.assert_close(second[name], first[name])
    torch.manual_seed(0)
    assert not torch.allclose(second[name], ObjectiveModule(toy.Rescaled(), 32).layer)
    with pytest.raises(RuntimeError, match="size mismatch for layer"):
        toy.run(texts, tmp_path / "other", objective=BPRLoss(bits=8, hash_layer="linear"), start=start, **settings)
    toy.run(texts, tmp_path / "none", start=start, **settings)  # an objective without parameters takes none over
