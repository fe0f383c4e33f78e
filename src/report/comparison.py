"""Rows become the table of a comparison: one line a system, means over seeds, what differs from a baseline marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabradorError
from .averages import Average, average
from .rows import ResultRow
from .systems import System, baselines, systems
from .table import Layout, layout

if TYPE_CHECKING:
    from .significance import Difference


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

    def layout(self) -> Layout:
        """The table: a line for each row or, when there are several seeds or a baseline, for each system."""
        if not self.averaged:
            return layout([average([row], {}, {}, self.metrics) for row in self.rows.values()])
        signs = {
            (one.system, one.metric): (1 if one.difference > 0 else -1) for one in self.differences if one.significant
        }
        shown = [self._average(system, signs) for system in self.systems]
        several = any(row.spreads for row in shown)
        spread = ("Means over the seeds; in brackets the largest less the smallest",) if several else ()
        left_out = len(self.rows) - sum(len(system.rows) for system in self.systems)
        twice = (
            (f"{left_out} left out: of a cell and seed that stands twice, the first found counts",) if left_out else ()
        )
        return layout(shown, (*spread, *twice, *self.told))

    def _average(self, system: System, signs: Mapping[tuple[str, str], int]) -> Average:
        spreads = {metric: value for metric in self.metrics if (value := system.spread(metric)) is not None}
        own = {metric: sign for (label, metric), sign in signs.items() if label == system.label}
        return average(system.rows, spreads, own, self.metrics)


def compare(rows: Mapping[Path, ResultRow], metrics: Sequence[str] = (), baseline: str | None = None) -> Comparison:
    """The comparison of `rows` by `metrics` (none = all that they have), tested against `baseline` if one is named.

    `baseline` is a label or words as `baselines` takes them. Raises LabradorError for a metric that no row has, a
    baseline that is none or several, and systems that cannot be compared.
    """
    known = dict.fromkeys(name for row in rows.values() for name in row.metrics)
    for metric in metrics:
        if metric not in known:
            raise LabradorError(f"--metric {metric}: a metric of these results was expected: {', '.join(known)}")
    wanted = tuple(dict.fromkeys(metrics)) or tuple(known)
    found = systems(rows)
    if baseline is None:
        return Comparison(rows, found, wanted, [], ())
    return Comparison(rows, found, wanted, *_tested(found, wanted, baselines(found, baseline)))


def _tested(
    found: Sequence[System], metrics: tuple[str, ...], chosen: Mapping[tuple[str, int, int], System]
) -> tuple[list["Difference"], tuple[str, ...]]:
    """Every system against the baseline of its data, corrected over all of them, and what that was in words."""
    from .significance import ALPHA, against, corrected

    apart = [
        one
        for data, system in chosen.items()
        for one in against([other for other in found if other.data == data], system, metrics)
    ]
    names = " or ".join(dict.fromkeys(system.label for system in chosen.values()))
    of_seeds = " (of each the mean over the seeds)" if any(len(system.rows) > 1 for system in found) else ""
    told = (
        f"▲ better, ▼ worse than {names}: paired randomisation test over the questions{of_seeds}, two-sided, "
        f"p < {ALPHA} after Holm's correction for {len(apart)} comparisons"
    )
    without = dict.fromkeys(system.data[0] for system in found if system.data not in chosen)
    missing = (f"Not compared, since the baseline is not there: {', '.join(without)}",) if without else ()
    return (corrected(apart) if apart else []), (told, *missing)
