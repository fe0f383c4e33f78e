"""Training a teacher: the pairs of each process, what it learns, and what it writes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from labels import lessons
from labrador.encoders.hub import HubEncoder
from labrador.encoders.model_files import quietly
from labrador.encoders.tiny import Tiny
from labrador.encoders.tokens import Tokens
from labrador.encoders.towers import load_towers
from labrador.errors import LabradorError
from labrador.labels.cross_encoder import CrossEncoder
from labrador.labels.teacher import MODEL, Teacher, TrainedTeacher
from labrador.labels.teaching import CollatePairs, TrainableTeacher
from labrador.labels.template import Template
from labrador.samplers.base import Example
from labrador.training.batches import Part
from training import toy

EXAMPLES = [Example(3, 3, (4, 30)), Example(4, 4, (30, 31, 32)), Example(6, 7, (31,))]


def collate(texts: Path, rank: int = 0, world: int = 1) -> CollatePairs:
    template = Template.of(Tiny().tokenizer(), 512)
    return CollatePairs(template, Tokens(texts / "queries"), Tokens(texts / "passages"), rank, world)


def pairs_of(texts: Path, inputs: dict[str, Any]) -> list[tuple[int, int]]:
    """The (question, passage) rows that were put together."""
    template = Template.of(Tiny().tokenizer(), 512)
    questions, passages = (Tokens(texts / name) for name in ("queries", "passages"))
    known = {
        tuple(template.join(question, passage).tolist()): (row, place)
        for row, question in enumerate(questions.slice(0, len(questions)))
        for place, passage in enumerate(passages.slice(0, len(passages)))
    }
    ids, mask = inputs["pairs"]["input_ids"], inputs["pairs"]["attention_mask"]
    return [known[tuple(row[: kept.sum()].tolist())] for row, kept in zip(ids, mask, strict=True)]


def test_every_question_weighs_the_same_and_its_pairs_do(texts: Path):
    inputs = collate(texts)([EXAMPLES, 5])  # a loader gives lists
    assert pairs_of(texts, inputs) == [(3, 3), (3, 4), (3, 30), (4, 4), (4, 30), (4, 31), (4, 32), (6, 7), (6, 31)]
    assert inputs["relevant"].tolist() == [1, 0, 0, 1, 0, 0, 0, 1, 0]
    assert torch.equal(inputs["weights"], torch.tensor([1 / 15] * 3 + [1 / 20] * 4 + [1 / 10] * 2))


def test_processes_take_shares_that_make_up_the_whole(texts: Path):
    shares = [collate(texts, rank, 2)(Part(EXAMPLES, 5)) for rank in range(2)]
    assert pairs_of(texts, shares[0]) == [(3, 3), (3, 4), (3, 30)]
    assert pairs_of(texts, shares[1]) == [(4, 4), (4, 30), (4, 31), (4, 32), (6, 7), (6, 31)]
    whole = collate(texts)(Part(EXAMPLES, 5))
    assert torch.equal(torch.cat([part["relevant"] for part in shares]), whole["relevant"])
    weights = torch.cat([part["weights"] for part in shares])
    assert torch.equal(weights / 2, whole["weights"])  # the mean over processes is taken of the gradients


def test_a_process_without_an_example_works_on_one_of_no_weight(texts: Path):
    first, second = (collate(texts, rank, 2)(Part(EXAMPLES[2:], 5)) for rank in range(2))
    assert pairs_of(texts, first) == pairs_of(texts, second) == [(6, 7), (6, 31)]
    assert first["weights"].tolist() == [0, 0]
    assert torch.equal(second["weights"], torch.tensor([1 / 5, 1 / 5]))


class Fixed(nn.Module):
    """A teacher whose logit is the last token of a pair, in hundreds: each pair's own, whatever it is batched with."""

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor | None) -> torch.Tensor:
        assert types is not None
        assert types.shape == ids.shape
        return ids.gather(1, mask.sum(dim=1, keepdim=True) - 2)[:, 0] / 100 - 3


def test_the_loss_is_the_weighted_cross_entropy(texts: Path):
    """With 1 for a positive and 0 for a negative; pairs of about one length go together and come back in order."""
    many = [Example(row, row, tuple(range(row + 1, row + 3))) for row in range(20)]
    inputs = collate(texts)(Part(many, 20))
    ids, mask = inputs["pairs"]["input_ids"], inputs["pairs"]["attention_mask"]
    logits = [int(row[kept.sum() - 2]) / 100 - 3 for row, kept in zip(ids, mask, strict=True)]
    probabilities = torch.sigmoid(torch.tensor(logits).reshape(20, 3).double())
    expected = -(probabilities[:, 0].log() + (1 - probabilities[:, 1:]).log().sum(dim=1)).mean() / 3
    found = TrainableTeacher(Fixed())(inputs, 0)["loss"]
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def cross_entropy(texts: Path, judge: CrossEncoder) -> float:
    """Of all questions, each with a passage of its own and two others."""
    inputs = collate(texts)(Part([example for batch in toy.epochs(8)(0) for example in batch], toy.QUERIES))
    with torch.inference_mode():
        logits = judge.eval()(**inputs["pairs"])
    return binary_cross_entropy_with_logits(logits, inputs["relevant"], inputs["weights"], reduction="sum").item()


def test_a_teacher_learns_and_is_read_back(texts: Path, tmp_path: Path):
    lessons.teach(texts, tmp_path, epochs=40, learning_rate=3e-3)
    encoder = lessons.TEACHER.encoder
    fresh = CrossEncoder(encoder.load_classifier(ready=False), encoder.tokenizer())
    taught = TrainedTeacher(lessons.TEACHER, tmp_path / MODEL, "key").load()
    assert not taught.training
    before, after = cross_entropy(texts, fresh), cross_entropy(texts, taught)
    assert after < 0.5 < 0.63 < before  # 0.637 is what knowing the share of positives gives
    curve = toy.curve(tmp_path)
    assert len(curve) == 120
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.jsonl", MODEL]
    with quietly():
        model = AutoModelForSequenceClassification.from_pretrained(tmp_path / MODEL).eval()
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / MODEL)
    pair = tokenizer("who feeds the goat", "A goat and a hen.", return_tensors="pt")
    inputs = {name: pair[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    with torch.inference_mode():
        torch.testing.assert_close(model(**pair).logits[:, 0], taught(**inputs))
    ready = Teacher(encoder=HubEncoder(model=str(tmp_path / MODEL)), ready=True)
    as_it_comes = TrainedTeacher(ready, None, "key").load()
    with torch.inference_mode():
        assert torch.equal(as_it_comes(**inputs), taught(**inputs))


def test_a_fresh_head_is_drawn_with_the_seed(texts: Path, tmp_path: Path):
    """The weights have neither head nor pooler; what else torch has drawn before is no matter."""
    load_towers(Tiny(shared=True)).save(tmp_path)
    teacher = Teacher(encoder=HubEncoder(model=str(tmp_path / "encoder")))
    made = []
    for seed, disturbed in ((0, 11), (0, 12), (1, 11)):
        torch.manual_seed(disturbed)
        out = tmp_path / str(len(made))
        made.append(lessons.teach(texts, out, teacher, seed=seed, max_steps=1))
    assert all(torch.equal(made[1][name], value) for name, value in made[0].items())
    for part, step in (("classifier.weight", 3e-2), ("pooler.dense.weight", 3e-3)):
        drawn = next(name for name in made[0] if name.endswith(part))
        assert (made[2][drawn] - made[0][drawn]).abs().max() > step  # more than the one step makes


def test_the_head_learns_ten_times_as_fast():
    encoder = lessons.TEACHER.encoder
    model = TrainableTeacher(CrossEncoder(encoder.load_classifier(ready=False), encoder.tokenizer()))
    (group,) = model.own_groups(1e-4, 0.1)
    assert (group["lr"], group["weight_decay"]) == (pytest.approx(1e-3), 0.0)
    names = {value: name for name, value in model.named_parameters()}
    assert {names[value] for value in group["params"]} == {
        f"teacher.model.classifier.{part}" for part in ("weight", "bias")
    }
    assert {*group["params"], *model.backbone.parameters()} == set(names)


def test_the_settings_dropout_is_the_teachers(texts: Path, tmp_path: Path):
    """Without it two parts of a batch give the gradients of one; with it they draw other numbers."""
    how = {"still": (0.0, 1), "parts": (0.0, 2), "dropped": (0.3, 1)}
    first = {}
    for name, (dropout, accumulation) in how.items():
        lessons.teach(texts, tmp_path / name, dropout=dropout, gradient_accumulation=accumulation, max_steps=2)
        first[name] = toy.curve(tmp_path / name)[0]["loss"]
    assert first["parts"] == pytest.approx(first["still"], rel=1e-5)
    assert first["dropped"] != pytest.approx(first["still"], rel=1e-5)


def test_nothing_to_train_on_is_an_error(texts: Path, tmp_path: Path):
    with pytest.raises(LabradorError, match="no train query has a positive passage"):
        lessons.teach(texts, tmp_path, batches=lambda epoch: [])
