"""Measured figures next to published ones: the lines, the header and the CSV of a published table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..report.columns import Column
from ..report.systems import System
from ..report.table import TIMED, Layout
from ..results import count, three_digits
from .published import Cell, Published

if TYPE_CHECKING:
    from ..report.significance.differences import Difference

COSTS = {"bytes_per_passage": "bytes/passage", "query_ms": "ms/query"}  # published besides metrics


@dataclass(frozen=True)
class Line:
    """A cell and what was measured of it: its rows over the seeds, or why there are none."""

    cell: Cell
    system: System | None
    why: str = ""
    signs: Mapping[str, int] = field(default_factory=dict)  # metric -> significantly better (1) or worse (-1)

    def measured(self, figure: str) -> float | None:
        """A figure as it is published, metrics in per cent: the mean over the seeds; None if unknown."""
        if self.system is None:
            return None
        if figure in COSTS:
            rows = self.system.rows
            values = [
                row.bytes_per_passage if figure == "bytes_per_passage" else row.latency_ms.get("p50") for row in rows
            ]
            known = [value for value in values if value is not None]
            return sum(known) / len(known) if known else None
        mean = self.system.mean(figure)
        return None if mean is None else 100 * mean

    def spread(self, figure: str) -> float | None:
        """A metric's spread over the seeds, in per cent."""
        spread = None if self.system is None or figure in COSTS else self.system.spread(figure)
        return None if spread is None else 100 * spread

    def difference(self, figure: str) -> float | None:
        """A metric, measured minus published, in per cent."""
        measured, published = self.measured(figure), self.cell.published.get(figure)
        return None if measured is None or published is None or figure in COSTS else measured - published


def figures(lines: Sequence[Line]) -> list[str]:
    """The names of the published figures, metrics first."""
    names = dict.fromkeys(name for line in lines for name in line.cell.published)
    return sorted(names, key=lambda name: name in COSTS)


def marked(lines: Sequence[Line], baseline: str | None) -> tuple[list[Line], list["Difference"], tuple[str, ...]]:
    """The lines with significant differences to a baseline marked, the differences, and what was tested in prose.

    baseline: the name of a cell; where it is None or was not measured, the first measured cell. With fewer than two
    measured cells nothing is tested. Raises LabradorError when a cell has other queries than the baseline.
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
    return (
        [replace(line, signs=signs.get(line.cell.name, {})) for line in lines],
        found,
        explained([chosen], found, measured),
    )


def layout(lines: Sequence[Line], comparable: bool) -> Layout:
    """The table of a published table: each figure measured, published and, where `comparable`, their difference."""
    columns: list[Column] = []
    for figure in figures(lines):
        show, head = _shown(figure, lines), COSTS.get(figure, figure)
        measured, published = _taken("measured", figure), lambda line, figure=figure: line.cell.published.get(figure)
        own = Column(f"{head}\nmeasured", measured, show, number=True, spread=_taken("spread", figure))
        columns.append(replace(own, sign=_sign(figure), disturbed=_disturbed(figure)))
        columns.append(Column(f"{head}\npublished", published, show, number=True))
        if comparable and figure not in COSTS:
            signed = _signed(show)
            columns.append(Column(f"{head}\ndifference", _taken("difference", figure), signed, number=True))
    several = any(line.system and len(line.system.rows) > 1 for line in lines)
    spread_told = ("Means over the seeds; in brackets the largest minus the smallest",) if several else ()
    missing = tuple(f"{line.cell.name}: {line.why}" for line in lines if line.why)
    empty = [name for name in figures(lines) if all(line.measured(name) is None for line in lines)]
    if empty and any(line.system for line in lines):
        missing = (f"Not measured on this data: {', '.join(COSTS.get(name, name) for name in empty)}", *missing)
    if any(column.disturbed(line) for column in columns for line in lines):
        missing = (TIMED, *missing)
    name = Column("cell", lambda line: line.cell.name)
    return Layout(lines, [name], columns, "", ("Metrics in per cent", *spread_told, *missing))


def _taken(method: str, figure: str) -> Callable[[Line], float | None]:
    return lambda line: getattr(line, method)(figure)


def _disturbed(figure: str) -> Callable[[Line], bool]:
    """Whether a line's milliseconds were taken while other runs used the machine."""
    timed = figure == "query_ms"
    return lambda line: timed and line.system is not None and any(row.disturbed for row in line.system.rows)


def _sign(figure: str) -> Callable[[Line], int]:
    return lambda line: line.signs.get(figure, 0)


def _shown(figure: str, lines: Sequence[Line]) -> Callable[[float], str]:
    """How a figure is shown: metrics with as many decimals as the published ones have."""
    if figure in COSTS:
        return count if figure == "bytes_per_passage" else three_digits
    values = [line.cell.published[figure] for line in lines if figure in line.cell.published]
    decimals = max(len(str(value).partition(".")[2]) for value in values)
    return lambda value: f"{value:.{decimals}f}"


def _signed(show: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: ("+" if value >= 0 else "-") + show(abs(value))


def header(table: Published, scale: str, comparable: bool, lines: Sequence[Line]) -> list[str]:
    """The lines above a table: title, source, and the scale, data, encoder, seeds and machine of the measured cells."""
    rows = [row for line in lines if line.system for row in line.system.rows]
    data = dict.fromkeys(f"{row.data} ({row.passages:,} passages, {row.queries:,} queries)" for row in rows)
    encoders = dict.fromkeys(row.encoder for row in rows if row.encoder)
    seeds = sorted({row.seed for row in rows})
    measured = [f"scale {scale}"]
    if rows:
        measured += [f"data {', '.join(data)}", f"encoder {', '.join(encoders) or '-'}"]
        measured += [f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"]
        measured += [f"device {', '.join(dict.fromkeys(row.device for row in rows))}"]
    other = (
        "The data, the backbone or the training are not those of the published figures: compare the order of the cells "
        "within a column, not the numbers; differences are left out"
    )
    lines_above = [table.title, f"Published: {table.source}", f"Measured: {'; '.join(measured)}"]
    return lines_above if comparable else [*lines_above, other]


def csv_lines(lines: Sequence[Line], comparable: bool) -> list[dict[str, Any]]:
    """One dict a cell: each figure measured, its spread over seeds, published and, if `comparable`, the difference."""
    written = []
    for line in lines:
        values: dict[str, Any] = {"cell": line.cell.name, "why_not_measured": line.why}
        for figure in figures(lines):
            values |= {
                f"{figure}.measured": line.measured(figure),
                f"{figure}.published": line.cell.published.get(figure),
            }
            if figure not in COSTS:
                values[f"{figure}.spread"] = line.spread(figure)
                values |= {f"{figure}.difference": line.difference(figure)} if comparable else {}
        rows = line.system.rows if line.system else ()
        values |= {"seeds": " ".join(str(row.seed) for row in rows), "overrides": " ".join(line.cell.overrides or ())}
        written.append(values | {"files": " ".join(map(str, line.system.files)) if line.system else ""})
    return written
