"""What quality is plotted against: every figure for which `ResultRow` declares an axis."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..results import SHOWN, ResultRow, Shown


@dataclass(frozen=True)
class Cost:
    """A figure of a row as a cost; of a figure with several entries the first."""

    name: str  # of the field
    shown: Shown

    @property
    def slug(self) -> str:
        """A short name for files: "bytes", "latency"."""
        return self.name.split("_")[0]

    def value(self, row: ResultRow) -> float | None:
        """The cost of a row; None = unknown."""
        found = getattr(row, self.name)
        value: float | None = found.get(self.shown.first[0]) if self.shown.first else found
        return value

    def label(self, rows: Iterable[ResultRow]) -> str:
        """What to write along its axis."""
        disturbed = self.shown.timed and any(row.disturbed for row in rows)
        return self.shown.axis + ("; some timed while other runs were using the machine" if disturbed else "")


def costs() -> list[Cost]:
    """All costs, in the order of `ResultRow`: bytes per passage first."""
    return [Cost(name, shown) for name, shown in SHOWN.items() if shown.axis]
