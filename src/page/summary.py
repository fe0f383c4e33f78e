"""What a page shows of its results at once: the table, the points of the chart, what the filters offer."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..report.averages import Average
from ..report.columns import Column, best_of
from ..report.comparison import averaged
from ..report.groups import Group
from ..report.significance.differences import Difference
from ..report.systems import System
from ..report.table import layout

FILTERS = ("retriever", "quantizer", "search", "sampler", "encoder", "train")
SPEED = ("ms/query", "queries/")  # how the heads of its columns begin

COSTS = (  # of the chart: name, label, value
    ("bytes", "bytes per passage in memory", lambda row: row.bytes_per_passage),
    ("index", "index size in memory (bytes)", lambda row: row.index_bytes),
    ("latency", "ms per query (median, one query at a time)", lambda row: row.latency_ms.get("p50")),
)


SYSTEM = Column("system", lambda row: None)  # a system's label, which no row knows


def summary(group: Group, metrics: Sequence[str], differences: Sequence[Difference]) -> dict[str, Any]:
    """The group's table and chart as JSON values; `metrics` are those to be shown, the first of them before others.

    differences: to the baseline, of all systems and metrics; empty without one.
    """
    shown = [name for name in metrics if name in group.metrics]
    own = {(one.system, one.metric): one for one in differences if any(s.label == one.system for s in group.systems)}
    rows = [averaged(system, shown, differences) for system in group.systems]
    table = layout(rows)
    columns = [SYSTEM, *table.names, *table.figures]
    return {
        "name": group.name,
        "slug": group.slug,
        "metrics": shown,
        "same": table.caption,
        "told": list(table.told),
        "baseline": next(iter({one.baseline for one in own.values()}), None),
        "columns": [_head(column, shown) for column in columns],
        "best": [best_of(column, rows) for column in columns],
        "systems": [
            {
                "label": system.label,
                "seeds": list(system.seeds),
                "names": {name: getattr(row, name) for name in FILTERS},
                "cells": [_cell(column, row, system, own) for column in columns],
                "costs": {name: value(row) for name, _, value in COSTS},
                "quality": {name: _quality(system, name) for name in shown},
            }
            for system, row in zip(group.systems, rows, strict=True)
        ],
        "costs": [{"name": name, "label": label + _doubt(name, rows)} for name, label, _ in COSTS],
        "filters": [name for name in FILTERS if len({getattr(row, name) for row in rows}) > 1],
    }


def _doubt(cost: str, rows: Sequence[Average]) -> str:
    """What is said behind a cost's label."""
    disturbed = cost == "latency" and any(row.disturbed for row in rows)
    return "; some timed while other runs used the machine" if disturbed else ""


def _head(column: Column, metrics: Sequence[str]) -> dict[str, Any]:
    """A column's head, what it holds, and the part of the table that it belongs to."""
    if column is SYSTEM:
        part = "system"
    elif column.best is None:
        part = "setting"
    elif column.head in metrics:
        part = "quality"
    elif column.head.startswith(SPEED):
        part = "speed"
    else:
        part = "time" if column.head.endswith("(s)") else "size"
    return {"head": column.head, "title": column.title, "part": part, "best": column.best}


def _cell(column: Column, row: Average, system: System, own: Mapping[tuple[str, str], Difference]) -> list[Any]:
    """A value to sort by, its text and what stands beside it; of a figure that was tested also the test's outcome."""
    if column is SYSTEM:
        return [system.label, system.label, "", 0]
    value = column.value(row)
    cell = [value, column.text(row), column.brackets(row), column.sign(row)]
    tested = own.get((system.label, column.head))
    if tested is not None:
        cell.append([tested.difference, tested.low, tested.high, tested.p_holm, tested.queries, tested.over])
    return cell


def _quality(system: System, metric: str) -> list[float] | None:
    """The mean of a metric, its least and its most over the seeds."""
    mean = system.mean(metric)
    told = [value for row in system.rows if (value := row.metrics.get(metric)) is not None]
    return None if mean is None else [mean, min(told), max(told)]
