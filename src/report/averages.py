"""A row that stands for several: one system's means over its seeds, in the form that tables show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..results import ResultRow


@dataclass(frozen=True, kw_only=True)
class Average(ResultRow):
    """The means of rows that differ only in the seed; `seed`, `keys` and `drawn` are those of the first."""

    seeds: tuple[int, ...]
    spreads: Mapping[str, float]  # metric -> maximum minus minimum over seeds; empty for a single seed
    signs: Mapping[str, int] = field(default_factory=dict)  # metric -> significantly better (1) or worse (-1)


def average(
    rows: Sequence[ResultRow], spreads: Mapping[str, float], signs: Mapping[str, int], metrics: Sequence[str] = ()
) -> Average:
    """The means over seeds of figures and costs, None if a row has none; text is joined if rows differ.

    metrics: those to keep, in this order; empty = all.
    """
    values = {f.name: _mean([getattr(row, f.name) for row in rows]) for f in fields(ResultRow)}
    values["metrics"] = {name: values["metrics"].get(name) for name in metrics or values["metrics"]}
    values |= {"seed": rows[0].seed, "keys": rows[0].keys, "drawn": rows[0].drawn, "labels": None}
    values["machine"] = _joined([row.machine or {} for row in rows])
    values["disturbed"] = any(row.disturbed for row in rows)
    return Average(**values, seeds=tuple(row.seed for row in rows), spreads=spreads, signs=signs)


def _joined(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For each entry the value that all share, or all values as text: 8 and 16 cores have no mean."""
    names = dict.fromkeys(name for value in values for name in value)
    different = {name: list(dict.fromkeys(value.get(name) for value in values)) for name in names}
    return {name: these[0] if len(these) == 1 else ", ".join(map(str, these)) for name, these in different.items()}


def _mean(values: Sequence[Any]) -> Any:
    """The mean of numbers, or of each entry of dicts; equal values stay as they are."""
    first = values[0]
    if all(value == first for value in values):
        return first
    if all(isinstance(value, dict) for value in values):
        names = dict.fromkeys(name for value in values for name in value)
        return {name: _mean([value.get(name) for value in values]) for name in names}
    if any(value is None for value in values):
        return None
    return sum(values) / len(values) if isinstance(first, (int, float)) else ", ".join(dict.fromkeys(map(str, values)))
