"""Training a teacher: positives against passages that a retriever ranks high (PAIR, section 3.3; RocketQA)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..encoders.tokens import Tokens
from ..machine import processes
from ..training.base import Collation, Trainable, Training
from ..training.batches import Part, share
from ..training.padding import by_length
from .cross_encoder import CrossEncoder
from .teacher import MODEL, Teacher
from .template import Template

HEAD_RATE = 10.0  # the head's learning rate, times the body's


class Judged(TypedDict):
    """n pairs as `Template.inputs` gives them; float32 [n] whether the passage answers, and the weight of the pair."""

    pairs: dict[str, Any]
    relevant: Tensor
    weights: Tensor


class TrainableTeacher(Trainable):
    """The binary cross entropy of pairs: 1 for a query's positive, 0 for its negatives."""

    def __init__(self, teacher: CrossEncoder) -> None:
        super().__init__()
        self.teacher = teacher

    @property
    def backbone(self) -> nn.Module:
        """All but the head."""
        backbone: nn.Module = self.teacher.model.base_model
        return backbone

    def own_groups(self, learning_rate: float, weight_decay: float) -> list[dict[str, Any]]:
        """The head's, without decay: at the body's rate a short training would hardly move it."""
        body = set(self.backbone.parameters())
        head = [value for value in self.teacher.parameters() if value not in body]
        return [{"params": head, "lr": HEAD_RATE * learning_rate, "weight_decay": 0.0}]

    def forward(self, inputs: Judged, step: int) -> dict[str, Tensor]:
        """The weighted sum of the cross entropies."""
        pairs = inputs["pairs"]
        logits = by_length(self.teacher, pairs["input_ids"], pairs["attention_mask"], pairs["token_type_ids"])
        with torch.autocast(logits.device.type, enabled=False):
            losses = binary_cross_entropy_with_logits(logits, inputs["relevant"], reduction="none")
        return {"loss": (losses * inputs["weights"]).sum()}

    def save(self, folder: Path) -> None:
        """Write the model's folder."""
        self.teacher.save(folder / MODEL)


@dataclass(frozen=True)
class CollatePairs:
    """Turns the examples of a part into one process's pairs; every process takes an equal share of the examples.

    All queries of a batch weigh the same, and so do the pairs of a query. A process without an example (in a small last
    part) works on one of weight 0: all processes must take the same steps.
    """

    template: Template
    questions: Tokens
    passages: Tokens
    rank: int = 0
    world: int = 1

    def __call__(self, fetched: Part | list[Any]) -> Judged:
        """Inputs of `TrainableTeacher.forward`."""
        examples, batch = fetched
        mine = examples[share(len(examples), self.rank, self.world)]
        weight = self.world / batch if mine else 0.0
        mine = mine or examples[:1]
        rows = [[example.positive, *example.negatives] for example in mine]
        counts = [len(row) for row in rows]
        asked = self.questions.rows([example.query for example in mine])
        questions = [ids for ids, count in zip(asked, counts, strict=True) for _ in range(count)]
        passages = self.passages.rows([passage for row in rows for passage in row])
        return {
            "pairs": self.template.inputs(questions, passages),
            "relevant": torch.tensor([float(place == 0) for count in counts for place in range(count)]),
            "weights": torch.tensor([weight / count for count in counts for _ in range(count)]),
        }


@dataclass(frozen=True, kw_only=True)
class TeacherTraining(Training):
    """Trains a teacher to tell the positives of the examples from their negatives."""

    name: ClassVar[str] = "training the teacher"
    too_large: ClassVar[str] = (
        "lower retriever.teacher_batch_size, retriever.teacher_passage_length or retriever.teacher_negatives"
    )

    teacher: Teacher
    queries: Tokens
    passages: Tokens

    def build(self) -> tuple[TrainableTeacher, Collation]:
        """Raises LabradorError when the model cannot have a head that judges pairs."""
        encoder = self.teacher.encoder
        classifier = encoder.load_classifier(ready=False, dropout=self.settings.dropout)
        model = CrossEncoder(classifier, encoder.tokenizer())
        rank, world = processes.rank(), processes.world_size()
        return TrainableTeacher(model), CollatePairs(model.template, self.queries, self.passages, rank, world)
