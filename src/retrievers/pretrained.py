"""The encoder as it comes, without training: how any embedding model is measured."""

from ..indexes.search import Search
from ..lab import Lab, Trained
from ..settings import component
from .base import DenseRetriever


@component
class Pretrained(DenseRetriever):
    """Encodes with the pretrained encoder; nothing is learned, so no train split is needed."""

    learns = False

    def unused(self, search: Search) -> tuple[str, ...]:
        return "sampler", "train"

    def train(self, lab: Lab) -> Trained:
        """The pretrained checkpoint itself."""
        return Trained(search=lab.pretrained(self.encoder))
