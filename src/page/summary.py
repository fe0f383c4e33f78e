"""What a page shows of its results at once: the table, the points of the chart, the choices of the filters."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..report.averages import Average
from ..report.columns import Column, best_of
from ..report.comparison import averaged
from ..report.costs import costs
from ..report.groups import Group
from ..report.layout import layout
from ..report.significance.differences import Difference
from ..report.systems import System
from ..results import OPTIONS

SYSTEM = Column("system", lambda row: None, group="system")  # a system's label, which no row has


def summary(group: Group, metrics: Sequence[str], differences: Sequence[Difference]) -> dict[str, Any]:
    """The group's table and chart as JSON values; `metrics` are those to show, the first of them by default.

    differences: from the baseline, of all systems and metrics; empty without one.
    """
    shown = [name for name in metrics if name in group.metrics]
    own = {(one.system, one.metric): one for one in differences if any(s.label == one.system for s in group.systems)}
    rows = [averaged(system, shown, differences) for system in group.systems]
    table = layout(rows)
    columns = [SYSTEM, *table.columns]
    return {
        "name": group.name,
        "slug": group.slug,
        "metrics": shown,
        "same": table.caption,
        "remarks": list(table.remarks),
        "baseline": next(iter({one.baseline for one in own.values()}), None),
        "columns": [_head(column) for column in columns],
        "best": [best_of(column, rows) for column in columns],
        "systems": [
            {
                "label": system.label,
                "seeds": list(system.seeds),
                "names": {name: getattr(row, name) for name in OPTIONS},
                "cells": [_cell(column, row, system, own) for column in columns],
                "costs": {cost.name: _cost(cost.value(row), cost.shown.text) for cost in costs()},
                "quality": {name: _quality(system, name) for name in shown},
            }
            for system, row in zip(group.systems, rows, strict=True)
        ],
        "costs": [
            {
                "name": cost.name,
                "label": cost.label(rows),
                "title": Column(cost.shown.head(*cost.shown.first), cost.value).title,
                "apart": cost.shown.group == "size",
            }
            for cost in costs()
        ],
        "filters": [name for name in OPTIONS if len({getattr(row, name) for row in rows}) > 1],
    }


def _head(column: Column) -> dict[str, Any]:
    """A column's head, and the part of the table that it belongs to."""
    part = "setting" if column.best is None and column is not SYSTEM else column.group
    return {"head": column.head, "title": column.title, "part": part, "best": column.best}


def _cell(column: Column, row: Average, system: System, own: Mapping[tuple[str, str], Difference]) -> list[Any]:
    """A value to sort by, its text, its spread and its sign; and the outcome of the test if there was one."""
    if column is SYSTEM:
        return [system.label, system.label, "", 0]
    shown = column.cell(row)
    cell = [column.value(row), shown.text, shown.spread, shown.sign]
    if tested := own.get((system.label, column.head)):
        cell.append([tested.difference, tested.low, tested.high, tested.p_holm, tested.queries, tested.over])
    return cell


def _cost(value: float | None, text: Any) -> list[Any]:
    """A cost and its text."""
    return [value, "-" if value is None else text(value)]


def _quality(system: System, metric: str) -> list[float] | None:
    """The mean of a metric, and the least and the most over seeds."""
    mean, values = system.mean(metric), system.values(metric)
    return None if mean is None else [mean, min(values), max(values)]
