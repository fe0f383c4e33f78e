"""The cells of a published table as they were measured: lines, table, header and CSV, next to the published figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..report.columns import Column
from ..report.layout import OVER_SEEDS, TIMED, Layout
from ..report.systems import System
from ..results import count, three_digits
from .published import Cell, Published

if TYPE_CHECKING:
    from ..report.significance.differences import Difference

COSTS = {"bytes_per_passage": "bytes/passage", "query_ms": "ms/query"}  # that are published with the metrics
OTHER_SETTINGS = (
    "Data, encoder or training differ from those of the published figures: compare the order of the cells within a "
    "column, not the numbers; differences are left out"
)


@dataclass(frozen=True)
class Line:
    """A cell and what was measured of it: its rows over seeds, or why there are none."""

    cell: Cell
    system: System | None
    why: str = ""
    signs: Mapping[str, int] = field(default_factory=dict)  # metric -> significantly better (1) or worse (-1)

    def measured(self, figure: str) -> float | None:
        """A figure as it is published, metrics in percent: the mean over seeds, None if unknown."""
        if self.system is None:
            return None
        if figure not in COSTS:
            mean = self.system.mean(figure)
            return None if mean is None else 100 * mean
        bytes_ = figure == "bytes_per_passage"
        values = [row.bytes_per_passage if bytes_ else row.latency_ms.get("p50") for row in self.system.rows]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    def spread(self, figure: str) -> float | None:
        """A metric's spread over seeds, in percent."""
        spread = None if self.system is None or figure in COSTS else self.system.spread(figure)
        return None if spread is None else 100 * spread

    def difference(self, figure: str) -> float | None:
        """A metric measured minus published, in percent."""
        measured, published = self.measured(figure), self.cell.published.get(figure)
        return None if measured is None or published is None or figure in COSTS else measured - published

    def disturbed(self, figure: str) -> bool:
        """Whether a figure was measured while other runs used the machine."""
        rows = self.system.rows if self.system and figure == "query_ms" else ()
        return any(row.disturbed for row in rows)


def figures(lines: Sequence[Line]) -> list[str]:
    """The names of the published figures, metrics first."""
    names = dict.fromkeys(name for line in lines for name in line.cell.published)
    return sorted(names, key=lambda name: name in COSTS)


def marked(lines: Sequence[Line], baseline: str | None) -> tuple[list[Line], list["Difference"], tuple[str, ...]]:
    """The lines with significant differences from a baseline marked, the differences, and what the marks mean.

    baseline: the name of a cell; None, or one that was not measured = the first that was. Nothing is tested if fewer
    than two cells were measured. Raises LabradorError if cells were scored on different queries.
    """
    from ..report.significance.differences import against
    from ..report.significance.explanation import explained

    measured = [line.system for line in lines if line.system]
    if len(measured) < 2:
        return list(lines), [], ()
    chosen = next((system for system in measured if system.label == baseline), measured[0])
    found = against(measured, [chosen], [name for name in figures(lines) if name not in COSTS])
    signs: dict[str, dict[str, int]] = {}
    for one in found:
        signs.setdefault(one.system, {})[one.metric] = one.sign
    signed = [replace(line, signs=signs.get(line.cell.name, {})) for line in lines]
    return signed, found, explained([chosen], found, measured)


def layout(lines: Sequence[Line], comparable: bool) -> Layout:
    """The table: each figure measured, published and, if `comparable`, their difference."""
    columns = [column for figure in figures(lines) for column in _columns(figure, lines, comparable)]
    remarks = ["Metrics in percent"]
    if any(line.system and len(line.system.rows) > 1 for line in lines):
        remarks.append(OVER_SEEDS)
    if any(column.disturbed(line) for column in columns for line in lines):
        remarks.append(TIMED)
    empty = [name for name in figures(lines) if all(line.measured(name) is None for line in lines)]
    if empty and any(line.system for line in lines):
        remarks.append(f"Not measured on this data: {', '.join(COSTS.get(name, name) for name in empty)}")
    remarks += [f"{line.cell.name}: {line.why}" for line in lines if line.why]
    return Layout(lines, [Column("cell", lambda line: line.cell.name)], columns, "", remarks)


def _columns(figure: str, lines: Sequence[Line], comparable: bool) -> list[Column]:
    """The columns of one figure."""
    show, head = _shown(figure, lines), COSTS.get(figure, figure)
    measured = Column(
        f"{head}\nmeasured",
        lambda line: line.measured(figure),
        show,
        number=True,
        spread=lambda line: line.spread(figure),
        sign=lambda line: line.signs.get(figure, 0),
        disturbed=lambda line: line.disturbed(figure),
    )
    published = Column(f"{head}\npublished", lambda line: line.cell.published.get(figure), show, number=True)
    if not comparable or figure in COSTS:
        return [measured, published]

    def signed(value: float) -> str:
        return ("+" if value >= 0 else "-") + show(abs(value))

    difference = Column(f"{head}\ndifference", lambda line: line.difference(figure), signed, number=True)
    return [measured, published, difference]


def _shown(figure: str, lines: Sequence[Line]) -> Callable[[float], str]:
    """How a figure is shown: metrics with as many decimals as the published ones."""
    if figure in COSTS:
        return count if figure == "bytes_per_passage" else three_digits
    values = [line.cell.published[figure] for line in lines if figure in line.cell.published]
    decimals = max(len(str(value).partition(".")[2]) for value in values)
    return lambda value: f"{value:.{decimals}f}"


def header(table: Published, scale: str, comparable: bool, lines: Sequence[Line]) -> list[str]:
    """What the table is and what it was measured with: scale, data, encoder, seeds, device."""
    rows = [row for line in lines if line.system for row in line.system.rows]
    data = dict.fromkeys(f"{row.data} ({row.passages:,} passages, {row.queries:,} queries)" for row in rows)
    encoders = dict.fromkeys(row.encoder for row in rows if row.encoder)
    seeds = sorted({row.seed for row in rows})
    measured = [f"scale {scale}"]
    if rows:
        measured += [f"data {', '.join(data)}", f"encoder {', '.join(encoders) or '-'}"]
        measured += [f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"]
        measured += [f"device {', '.join(dict.fromkeys(row.device for row in rows))}"]
    said = [table.title, f"Published: {table.source}", f"Measured: {'; '.join(measured)}"]
    return said if comparable else [*said, OTHER_SETTINGS]


def csv_lines(lines: Sequence[Line], comparable: bool) -> list[dict[str, Any]]:
    """One dict for each cell: every figure measured, its spread over seeds, published and, if `comparable`, the
    difference.
    """
    found = []
    for line in lines:
        values: dict[str, Any] = {"cell": line.cell.name, "why_not_measured": line.why}
        for figure in figures(lines):
            values[f"{figure}.measured"] = line.measured(figure)
            values[f"{figure}.published"] = line.cell.published.get(figure)
            if figure not in COSTS:
                values[f"{figure}.spread"] = line.spread(figure)
                values |= {f"{figure}.difference": line.difference(figure)} if comparable else {}
        rows = line.system.rows if line.system else ()
        values |= {"seeds": " ".join(str(row.seed) for row in rows), "overrides": " ".join(line.cell.overrides or ())}
        found.append(values | {"files": " ".join(map(str, line.system.files)) if line.system else ""})
    return found
