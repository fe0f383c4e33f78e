"""search=scan: all passages ranked by their codes."""

from ..settings import component
from .base import VectorIndex
from .kinds import of
from .search import Search, Searchable


@component
class Scan(Search):
    """Ranks all passages by their codes."""

    def build(self, passages: Searchable) -> VectorIndex:
        """The index of the codes."""
        return scan(passages, self.device)


def scan(passages: Searchable, device: str = "cpu") -> VectorIndex:
    """The index that scans the codes of the passages."""
    index = of(passages.fitted, device, passages.ties_from)
    index.add(passages.codes)
    return index
