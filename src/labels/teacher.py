"""The teacher: a cross-encoder, which reads query and passage together. Imports no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..encoders.base import SHORTEST, Encoder
from ..errors import SettingError
from ..samplers.base import PositiveChoice

if TYPE_CHECKING:
    from .cross_encoder import CrossEncoder

MODEL = "model"  # the folder of a trained teacher, inside its artifact


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A sequence classifier that gives the probability that a passage answers a query.

    encoder: where its weights and tokenizer come from, and how long its texts may be; name: the user's name for it,
    None for the retriever's own model; ready: it has been trained for this and is used as it comes; negatives: passages
    per query that its training contrasts with a positive; positive: which positive (`Sampler.positive`).
    """

    encoder: Encoder
    name: str | None = None
    ready: bool = False
    negatives: int = 4  # at least 1: a teacher that has seen no wrong passage calls every passage right
    positive: PositiveChoice = "auto"

    @property
    def called(self) -> str:
        """Its name in a result row."""
        if self.ready:
            return str(self.name)
        return "trained here" if self.name is None else f"{self.name}, trained here"


@dataclass(frozen=True)
class TrainedTeacher:
    """A state of a teacher: the folder of its trained model (None: as it comes), and its key."""

    teacher: Teacher
    folder: Path | None
    key: str

    def load(self) -> "CrossEncoder":
        """The model, on the CPU in eval mode.

        Raises LabradorError when it cannot judge pairs of texts; one that is still to be trained needs no head.
        """
        from ..encoders.model_files import read_classifier
        from .cross_encoder import CrossEncoder

        encoder = self.teacher.encoder
        if self.folder is None:
            model = encoder.load_classifier(ready=self.teacher.ready)
        else:
            model = read_classifier(self.folder, ready=True)
        loaded = CrossEncoder(model, encoder.tokenizer()).eval()
        room = loaded.template.limit - encoder.max_query_length
        if room < SHORTEST:
            expected = (
                f"at most {loaded.template.limit - SHORTEST}: the teacher reads {loaded.template.limit} tokens of "
            )
            expected += "query and passage together"
            raise SettingError(
                "max_query_length", encoder.max_query_length, expected, "lower it, or use another teacher", "encoder"
            )
        return loaded
