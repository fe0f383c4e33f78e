"""Systems: the cells of a comparison, each over its seeds, with a label that identifies it in the table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LabradorError
from ..results import OPTIONS, Data, Identity, ResultRow
from .per_query import check_queries, per_query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPONENT = "component: "  # before the settings in `ResultRow.components`, which labels use last
DIGITS = 6  # of a fingerprint in a label
TRAININGS = ("fit", "teacher")  # steps in `ResultRow.keys` whose artifacts are trained


@dataclass(frozen=True)
class System:
    """One cell over its seeds: rows that differ only in the seed."""

    label: str  # as short as the table allows: "bidr learned_pq two_stage"
    rows: tuple[ResultRow, ...]  # by seed
    files: tuple[Path, ...]  # the result.json of each row

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the rows, ascending."""
        return tuple(row.seed for row in self.rows)

    @property
    def data(self) -> Data:
        """What it was scored on."""
        return self.rows[0].scored_on

    def values(self, metric: str) -> list[float]:
        """The metric of every seed; empty if a seed lacks it."""
        values = [value for row in self.rows if (value := row.metrics.get(metric)) is not None]
        return values if len(values) == len(self.rows) else []

    def mean(self, metric: str) -> float | None:
        """The mean over seeds; None if a seed lacks the metric."""
        values = self.values(metric)
        return sum(values) / len(values) if values else None

    def spread(self, metric: str) -> float | None:
        """The maximum minus the minimum over seeds; None for one seed, or if a seed lacks the metric."""
        values = self.values(metric)
        return max(values) - min(values) if len(values) > 1 else None

    def per_query(self, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
        """Query ids [Q], sorted, and the mean over seeds of each, float64 [Q], NaN = no score.

        Raises LabradorError as `by_seed` does.
        """
        qids, values = self.by_seed(metric)
        return qids, values.mean(axis=0)

    def by_seed(self, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
        """Query ids [Q], sorted, and the metric of each query for every seed, float64 [S, Q], NaN = no score.

        Raises LabradorError if a row has no such scores, or seeds were scored on different queries.
        """
        import numpy as np

        qids, first = per_query(self.files[0], metric)
        values = [first]
        for file in self.files[1:]:
            others, more = per_query(file, metric)
            check_queries(self.files[0], qids, file, others)
            values.append(more)
        return qids, np.stack(values)


def systems(rows: Mapping[Path, ResultRow]) -> list[System]:
    """The systems of `rows` in the order of a table; if a seed occurs twice, the first row counts.

    A row that was timed while other runs used the machine gives way to one that was not.
    """
    cells: dict[Identity, dict[int, tuple[Path, ResultRow]]] = {}
    for file, row in rows.items():
        seeds = cells.setdefault(row.identity, {})
        _, known = seeds.setdefault(row.seed, (file, row))
        if known.disturbed and not row.disturbed:
            seeds[row.seed] = file, row
    named = labels([next(iter(seeds.values()))[1] for seeds in cells.values()])
    found = []
    for label, seeds in zip(named, cells.values(), strict=True):
        files, of_seeds = zip(*(seeds[seed] for seed in sorted(seeds)), strict=True)
        found.append(System(label, of_seeds, files))
    return sorted(found, key=lambda system: order(system.rows[0]))


def step_of(name: str) -> str:
    """The step of a name in `ResultRow.keys`: "fit" of "fit.2"."""
    return name.split(".")[0]


def order(row: ResultRow) -> tuple[Any, ...]:
    """A row's sort key: data, retriever, the largest codes first, then names (opq8 before opq16), then seed."""
    data = (_natural(row.data), row.passages, row.queries, row.scored_on.key)
    names = (row.quantizer, row.search, row.sampler, row.encoder, row.train)
    settings = [_natural(f"{key}={value}") for key, value in sorted(row.settings.items())]
    size = -(row.bytes_per_passage or 0)
    return (*data, _natural(row.retriever), size, *map(_natural, names), settings, row.seed)


def _natural(name: str | None) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name or "")]


def baselines(found: Sequence[System], wanted: str) -> dict[Data, System]:
    """The system called `wanted` on each data (`System.data`); data without one are left out.

    `wanted` is a label (in the table of all data or of that data alone), or words that only one system on that data
    has: "dpr flat", "hash two_stage bits=64". Raises LabradorError, listing the labels, if it matches no system, or
    several on the same data.
    """
    known = ", ".join(repr(system.label) for system in found)
    missing = LabradorError(f"--baseline {wanted!r}: expected one of the systems {known}")
    if not wanted.split():
        raise missing
    chosen: dict[Data, System] = {}
    for data in dict.fromkeys(system.data for system in found):
        there = [system for system in found if system.data == data]
        own = labels([system.rows[0] for system in there])  # without what distinguishes data
        matching = [system for system, label in zip(there, own, strict=True) if wanted in (system.label, label)] or [
            system for system in there if set(wanted.split()) <= _words(system)
        ]
        if len(matching) > 1:
            several = ", ".join(repr(system.label) for system in matching)
            raise LabradorError(f"--baseline {wanted!r}: expected one system, it matches {len(matching)}: {several}")
        if matching:
            chosen[data] = matching[0]
    if not chosen:
        raise missing
    return chosen


def _words(system: System) -> set[str]:
    """What may name a system: the words of its label, its options and its settings."""
    row = system.rows[0]
    named = {str(name) for name in (getattr(row, name) for name in (*OPTIONS, "data")) if name}
    return named | set(system.label.split()) | {f"{key}={value}" for key, value in row.settings.items()}


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """A label for each of `rows`: retriever, quantizer, and what else it takes to distinguish any two of them."""
    cells = [_features(row) for row in rows]
    keys = ["retriever", "quantizer"]

    def distinct(names: Sequence[str]) -> int:
        return len({tuple(cell.get(name) for name in names) for cell in cells})

    for key in dict.fromkeys(key for cell in cells for key in cell if key not in keys):
        if distinct([*keys, key]) > distinct(keys):
            keys.append(key)
    last = [key.rpartition(".")[2] for key in keys]
    short = {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}
    return [" ".join(_word(key, short[key], cell[key]) for key in keys if cell.get(key)) for cell in cells]


def _features(row: ResultRow) -> dict[str, str | None]:
    """What may distinguish a row's system from others, the most familiar first."""
    options = {name: getattr(row, name) for name in OPTIONS}
    data = {"data": row.data, "queries": f"{row.queries:,}", "passages": f"{row.passages:,}"}
    settings = dict(sorted(row.settings.items()))
    rest = {f"{COMPONENT}{key}": value for key, value in sorted(row.components.items())}
    prints = {"trained_on": row.trained_on, "fingerprint": row.data_fingerprint}
    return {**options, **data, **settings, **rest, **{name: text and text[:DIGITS] for name, text in prints.items()}}


def _word(key: str, short: str, value: str | None) -> str:
    """How a label names one feature: dpr; sampler=bm25; bits=64; 30,000 passages."""
    if key in ("retriever", "quantizer", "search", "encoder", "data"):  # "dpr flat bm25" would read as a hybrid
        return str(value)
    return f"{value} {key}" if key in ("queries", "passages") else f"{short.removeprefix(COMPONENT)}={value}"
