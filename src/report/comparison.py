"""Rows become a comparison: systems with means over seeds, and significant differences from a baseline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabradorError
from ..results import Data, ResultRow
from .averages import Average, average
from .groups import Group, groups
from .layout import OVER_SEEDS, Layout, layout
from .systems import System, baselines, systems

if TYPE_CHECKING:
    from .significance.differences import Difference


@dataclass(frozen=True)
class Comparison:
    """What a report shows: the rows that were found, their systems, and what was tested."""

    rows: Mapping[Path, ResultRow]
    systems: list[System]
    metrics: tuple[str, ...]  # to show, in this order
    differences: list["Difference"]  # from the baselines; empty without one
    explanation: tuple[str, ...]  # of the marks

    @property
    def averaged(self) -> bool:
        """Whether a line of the table is a system over its seeds, and not a row."""
        return bool(self.explanation) or any(len(system.rows) > 1 for system in self.systems)

    def sections(self) -> list[tuple[Group, "Comparison"]]:
        """The comparison on each data by itself: results on different data must not be compared."""
        sections = []
        for group in groups(self.systems):
            labels = {system.label for system in group.systems}
            rows = {file: row for file, row in self.rows.items() if row.scored_on == group.systems[0].data}
            differences = [one for one in self.differences if one.system in labels]
            sections.append((group, replace(self, rows=rows, systems=list(group.systems), differences=differences)))
        return sections

    def layout(self) -> Layout:
        """The table: a line for each row or, if there are several seeds or a baseline, for each system."""
        if not self.averaged:
            return layout([average([row], {}, {}, self.metrics) for row in self.rows.values()])
        shown = [averaged(system, self.metrics, self.differences) for system in self.systems]
        remarks = [OVER_SEEDS] if any(row.spreads for row in shown) else []
        left_out = len(self.rows) - sum(len(system.rows) for system in self.systems)
        if left_out:
            rows = "1 row" if left_out == 1 else f"{left_out} rows"
            remarks.append(f"{rows} left out: if a system has two runs with one seed, the first found counts")
        return layout(shown, (*remarks, *self.explanation))


def averaged(system: System, metrics: Sequence[str], differences: Iterable["Difference"]) -> Average:
    """The line of a system: its means over seeds, their spreads, and the signs of its `differences`."""
    spreads = {metric: value for metric in metrics if (value := system.spread(metric)) is not None}
    signs = {one.metric: one.sign for one in differences if one.system == system.label}
    return average(system.rows, spreads, signs, metrics)


def compare(rows: Mapping[Path, ResultRow], metrics: Sequence[str] = (), baseline: str | None = None) -> Comparison:
    """The comparison of `rows` by `metrics` (empty = all that they have), tested against `baseline` if one is named.

    `baseline` is a label or words as `baselines` takes them. Raises LabradorError for a metric that no row has, a
    baseline that matches no system or several, and systems that cannot be compared.
    """
    known = dict.fromkeys(name for row in rows.values() for name, value in row.metrics.items() if value is not None)
    for metric in metrics:
        if metric not in known:
            raise LabradorError(f"--metric {metric}: expected a metric of these results: {', '.join(known)}")
    wanted = tuple(dict.fromkeys(metrics)) or tuple(known)
    found = systems(rows)
    tested = ([], ()) if baseline is None else _tested(found, wanted, baselines(found, baseline))
    return Comparison(rows, found, wanted, *tested)


def _tested(
    found: Sequence[System], metrics: tuple[str, ...], chosen: Mapping[Data, System]
) -> tuple[list["Difference"], tuple[str, ...]]:
    """Every system against the baseline on its data, p corrected over all of them; and what the marks mean."""
    from .significance.differences import against
    from .significance.explanation import explained

    differences = against(found, list(chosen.values()), metrics)
    explanation = explained(list(chosen.values()), differences, found)
    without = dict.fromkeys(system.data.name for system in found if system.data not in chosen)
    if without:
        explanation = (*explanation, f"Not compared, since the baseline was not run on it: {', '.join(without)}")
    return differences, explanation
