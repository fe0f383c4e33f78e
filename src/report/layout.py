"""What a table shows, for every format: the columns in which rows differ, the best of each, and the notes below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..results import ResultRow
from .columns import DISTURBED, Cell, Column, best_of, columns
from .systems import order

TIMED = f"{DISTURBED} timed while other runs were using the machine: rerun on an idle machine"
OVER_SEEDS = "Means over seeds, with the range (maximum minus minimum) in brackets"


@dataclass(frozen=True)
class Layout:
    """A table: rows in the order shown, which are result rows or whatever the columns take their values from."""

    rows: Sequence[Any]
    names: list[Column]  # identify the rows
    figures: list[Column]
    caption: str  # what is the same in all rows
    remarks: Sequence[str] = ()

    @property
    def columns(self) -> list[Column]:
        """All columns."""
        return [*self.names, *self.figures]

    def cells(self, column: Column) -> list[Cell]:
        """A column's cells, one for each row."""
        data = [_data(row) for row in self.rows]
        on_data = {one: [row for row, of in zip(self.rows, data, strict=True) if of == one] for one in data}
        best = {one: best_of(column, rows) for one, rows in on_data.items()}
        return [column.cell(row, best[of]) for row, of in zip(self.rows, data, strict=True)]

    @property
    def ends(self) -> list[bool]:
        """Whether each row is the last before one on other data."""
        data = [_data(row) for row in self.rows]
        return [one != other for one, other in zip(data, [*data[1:], *data[-1:]], strict=True)]

    def notes(self, mark: str) -> list[str]:
        """The notes below the table, the best of a column being marked by `mark`."""
        best = any(cell.best for column in self.figures for cell in self.cells(column))
        same = [f"Same in all rows: {self.caption}"] if self.caption else []
        return [*([f"{mark} best in its column"] if best else []), *self.remarks, *same]


def layout(rows: Sequence[ResultRow], remarks: Sequence[str] = ()) -> Layout:
    """Sort the rows and leave out columns that are the same in all of them; a single row keeps all its figures."""
    ordered = sorted(rows, key=order)
    names: list[Column] = []
    figures: list[Column] = []
    same: list[str] = []
    for column in columns(ordered):
        texts = {f"{cell.text} {cell.suffix}".rstrip() for cell in map(column.cell, ordered)}
        filled = texts - {"-"}
        if not filled:
            continue
        if len(filled if column.optional else texts) > 1 or (len(rows) == 1 and column.best):
            (figures if column.best else names).append(column)
        elif not column.quiet:
            same.append(f"{column.title} {filled.pop()}" + (" (where used)" if "-" in texts else ""))
    if not names:
        names = [column for column in columns(ordered) if column.head in ("retriever", "quantizer")]
        same = [text for text in same if text.split()[0] not in ("retriever", "quantizer")]
    disturbed = any(column.disturbed(row) for column in figures for row in ordered)
    return Layout(ordered, names, figures, ", ".join(same), (*remarks, TIMED) if disturbed else remarks)


def _data(row: Any) -> Any:
    """The data that a row was scored on; None for what is not a result row."""
    return getattr(row, "scored_on", None)
