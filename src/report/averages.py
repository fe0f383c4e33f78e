"""A row that stands for several: one cell's means over its seeds, in the shape that the table shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..results import ResultRow


@dataclass(frozen=True, kw_only=True)
class Average(ResultRow):
    """The means of rows that differ in the seed alone; `seed`, `keys` and `drawn` are those of the first."""

    seeds: tuple[int, ...]
    spreads: Mapping[str, float]  # metric -> largest less smallest over the seeds; nothing of a single seed
    signs: Mapping[str, int] = field(default_factory=dict)  # metric -> significantly better (1) or worse (-1)


def average(
    rows: Sequence[ResultRow], spreads: Mapping[str, float], signs: Mapping[str, int], metrics: Sequence[str] = ()
) -> Average:
    """The means of `rows`: figures and costs over the seeds, None where one has none; words are those of the first.

    `metrics` are those to keep, in their order; none named = all.
    """
    values = {f.name: _mean([getattr(row, f.name) for row in rows]) for f in fields(ResultRow)}
    wanted = metrics or list(values["metrics"])
    values["metrics"] = {name: values["metrics"].get(name) for name in wanted}
    values |= {"seed": rows[0].seed, "keys": rows[0].keys, "drawn": rows[0].drawn, "labels": None}
    values["machine"] = _together([row.machine or {} for row in rows])
    values["disturbed"] = any(row.disturbed for row in rows)
    return Average(**values, seeds=tuple(row.seed for row in rows), spreads=spreads, signs=signs)


def _together(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Entry by entry what is the same in all of `values`, or all that is there: 8 and 16 cores have no mean."""
    names = dict.fromkeys(name for value in values for name in value)
    different = {name: list(dict.fromkeys(value.get(name) for value in values)) for name in names}
    return {name: all_[0] if len(all_) == 1 else ", ".join(map(str, all_)) for name, all_ in different.items()}


def _mean(values: Sequence[Any]) -> Any:
    """The mean of numbers, entry by entry of dicts of them; what is no number, or all the same, stays as it is."""
    first = values[0]
    if all(value == first for value in values):
        return first
    if all(isinstance(value, dict) for value in values):
        names = dict.fromkeys(name for value in values for name in value)
        return {name: _mean([value.get(name) for value in values]) for name in names}
    if any(value is None for value in values):
        return None
    return sum(values) / len(values) if isinstance(first, (int, float)) else ", ".join(dict.fromkeys(map(str, values)))
