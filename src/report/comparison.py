"""Rows become the table of a comparison: one line a system, means over seeds, what differs from a baseline marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabradorError
from ..results import Data, ResultRow
from .averages import Average, average
from .groups import Group, groups
from .systems import System, baselines, systems
from .table import Layout, layout

if TYPE_CHECKING:
    from .significance.differences import Difference


@dataclass(frozen=True)
class Comparison:
    """What a report shows: the rows as they were found, the systems they are of, and what was tested."""

    rows: Mapping[Path, ResultRow]
    systems: list[System]
    metrics: tuple[str, ...]  # to be shown, in this order
    differences: list["Difference"]  # to the baselines; empty without one
    told: tuple[str, ...]  # what was tested, in words

    @property
    def averaged(self) -> bool:
        """Whether a line of the table is a system over its seeds, and not a row."""
        return bool(self.told) or any(len(system.rows) > 1 for system in self.systems)

    def sections(self) -> list[tuple[Group, "Comparison"]]:
        """What is on each data by itself: nothing on one may be held against anything on another."""
        sections = []
        for group in groups(self.systems):
            names = {system.label for system in group.systems}
            own = {file: row for file, row in self.rows.items() if row.scored_on == group.systems[0].data}
            apart = [one for one in self.differences if one.system in names]
            sections.append((group, replace(self, rows=own, systems=list(group.systems), differences=apart)))
        return sections

    def layout(self) -> Layout:
        """The table: a line for each row or, when there are several seeds or a baseline, for each system."""
        if not self.averaged:
            return layout([average([row], {}, {}, self.metrics) for row in self.rows.values()])
        shown = [averaged(system, self.metrics, self.differences) for system in self.systems]
        several = any(row.spreads for row in shown)
        spread = ("Means over the seeds; in brackets the largest less the smallest",) if several else ()
        left_out = len(self.rows) - sum(len(system.rows) for system in self.systems)
        twice = (
            (f"{left_out} left out: of a cell and seed that stands twice, the first found counts",) if left_out else ()
        )
        return layout(shown, (*spread, *twice, *self.told))


def averaged(system: System, metrics: Sequence[str], differences: Iterable["Difference"]) -> Average:
    """The line of a system: its means over the seeds, their spreads, and the signs of its `differences`."""
    spreads = {metric: value for metric in metrics if (value := system.spread(metric)) is not None}
    signs = {one.metric: one.sign for one in differences if one.system == system.label}
    return average(system.rows, spreads, signs, metrics)


def compare(rows: Mapping[Path, ResultRow], metrics: Sequence[str] = (), baseline: str | None = None) -> Comparison:
    """The comparison of `rows` by `metrics` (none = all that they have), tested against `baseline` if one is named.

    `baseline` is a label or words as `baselines` takes them. Raises LabradorError for a metric that no row can
    tell, a baseline that is none or several, and systems that cannot be compared.
    """
    known = dict.fromkeys(name for row in rows.values() for name, value in row.metrics.items() if value is not None)
    for metric in metrics:
        if metric not in known:
            raise LabradorError(f"--metric {metric}: a metric of these results was expected: {', '.join(known)}")
    wanted = tuple(dict.fromkeys(metrics)) or tuple(known)
    found = systems(rows)
    if baseline is None:
        return Comparison(rows, found, wanted, [], ())
    return Comparison(rows, found, wanted, *_tested(found, wanted, baselines(found, baseline)))


def _tested(
    found: Sequence[System], metrics: tuple[str, ...], chosen: Mapping[Data, System]
) -> tuple[list["Difference"], tuple[str, ...]]:
    """Every system against the baseline of its data, corrected over all of them, and what that was in words."""
    from .significance.differences import against
    from .significance.explanation import explained

    apart = against(found, list(chosen.values()), metrics)
    told = list(explained(list(chosen.values()), apart, found))
    without = dict.fromkeys(system.data.name for system in found if system.data not in chosen)
    if without:
        told.append(f"Not compared, since the baseline is not there: {', '.join(without)}")
    return apart, tuple(told)
