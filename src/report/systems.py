"""Systems: the cells of a comparison, each over its seeds, with a label that tells it from the others of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabradorError
from ..results import OPTIONS, Data, Identity, ResultRow
from .order import order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PER_QUERY = "per_query.parquet"
DECIDES = "decides: "  # put before what stands in `components`, which is looked at last
DIGITS = 6  # of a fingerprint, where nothing else distinguishes two


@dataclass(frozen=True)
class System:
    """One cell over its seeds: rows that differ in nothing but the seed, what they cost, and what they scored."""

    label: str  # what tells it from the others of the table, as short as can be: "bidr learned_pq two_stage"
    rows: tuple[ResultRow, ...]  # in the order of their seeds
    files: tuple[Path, ...]  # the result.json of each row

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the rows, rising."""
        return tuple(row.seed for row in self.rows)

    @property
    def data(self) -> Data:
        """What it was measured on."""
        return self.rows[0].scored_on

    def mean(self, metric: str) -> float | None:
        """The metric's mean over the seeds; None where a seed cannot tell it."""
        told = self._told(metric)
        return sum(told) / len(told) if told else None

    def spread(self, metric: str) -> float | None:
        """The metric's largest value less its smallest over the seeds; None for one seed, or where one cannot tell."""
        told = self._told(metric)
        return max(told) - min(told) if len(told) > 1 else None

    def per_query(self, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
        """Query ids [Q], sorted, and the metric of each, float64 [Q]: the mean over seeds, NaN where it does not count.

        Raises LabradorError as `by_seed` does.
        """
        qids, values = self.by_seed(metric)
        return qids, values.mean(axis=0)

    def by_seed(self, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
        """Query ids [Q], sorted, and the metric of each for every seed, float64 [S, Q]; NaN where it does not count.

        Raises LabradorError when the figures of a question are not beside a row, lack the metric, or are not of the
        same questions for every seed.
        """
        import numpy as np

        qids, first = per_query(self.files[0], metric)
        values = [first]
        for file in self.files[1:]:
            others, more = per_query(file, metric)
            check_queries(self.files[0], qids, file, others)
            values.append(more)
        return qids, np.stack(values)

    def _told(self, metric: str) -> list[float]:
        """The metric of every row; nothing where one of them has none."""
        values = [value for row in self.rows if (value := row.metrics.get(metric)) is not None]
        return values if len(values) == len(self.rows) else []


def systems(rows: Mapping[Path, ResultRow]) -> list[System]:
    """The cells of `rows` in the table's order, rows of one cell together; of a cell's seed the first found counts.

    One whose search was timed while other runs used the machine gives way to one that was timed again.
    """
    cells: dict[Identity, dict[int, tuple[Path, ResultRow]]] = {}
    for file, row in rows.items():
        seeds = cells.setdefault(row.identity, {})
        _, known = seeds.setdefault(row.seed, (file, row))
        if known.disturbed and not row.disturbed:
            seeds[row.seed] = file, row
    first = [next(iter(seeds.values()))[1] for seeds in cells.values()]
    told = dict(zip(cells, labels(first), strict=True))
    found = []
    for cell, seeds in cells.items():
        files, of_seeds = zip(*(seeds[seed] for seed in sorted(seeds)), strict=True)
        found.append(System(told[cell], of_seeds, files))
    return sorted(found, key=lambda system: order(system.rows[0]))


def baselines(found: Sequence[System], wanted: str) -> dict[Data, System]:
    """The system called `wanted` on each data (`System.data`); data on which there is none are left out.

    `wanted` is a label (in the table of all data or in one of that data alone), or words that only one system on that
    data has: "dpr flat", "hash two_stage bits=64". Raises LabradorError, listing the labels, when no system or several
    of the same data are called so.
    """
    known = ", ".join(repr(system.label) for system in found)
    missing = LabradorError(f"--baseline {wanted!r}: no system is called so; the systems are {known}")
    if not wanted.split():
        raise missing
    chosen: dict[Data, System] = {}
    for data in dict.fromkeys(system.data for system in found):
        there = [system for system in found if system.data == data]
        own = labels([system.rows[0] for system in there])  # without what distinguishes data
        called = [system for system, name in zip(there, own, strict=True) if wanted in (system.label, name)] or [
            system for system in there if set(wanted.split()) <= _words(system)
        ]
        if len(called) > 1:
            several = ", ".join(repr(system.label) for system in called)
            raise LabradorError(
                f"--baseline {wanted!r}: one system was expected, {len(called)} are called so: {several}"
            )
        if called:
            chosen[data] = called[0]
    if not chosen:
        raise missing
    return chosen


def _words(system: System) -> set[str]:
    """What a system may be called by: the words of its label, its components and its settings."""
    row = system.rows[0]
    named = {str(name) for name in (getattr(row, name) for name in (*OPTIONS, "data")) if name}
    return named | set(system.label.split()) | {f"{key}={value}" for key, value in row.settings.items()}


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """A label for each of `rows`: retriever, quantizer, and what else is needed to tell any two of them apart."""
    cells = [words(row) for row in rows]
    keys = ["retriever", "quantizer"]
    others = dict.fromkeys(key for cell in cells for key in cell if key not in keys)
    for key in others:
        if len({_values(cell, [*keys, key]) for cell in cells}) > len({_values(cell, keys) for cell in cells}):
            keys.append(key)
    last = [key.rpartition(".")[2] for key in keys]
    short = {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}
    return [" ".join(_word(key, short[key], cell[key]) for key in keys if cell.get(key)) for cell in cells]


def words(row: ResultRow) -> dict[str, str | None]:
    """What may tell a row's system from others, in the order in which it is looked for: what is best known first."""
    options = {name: getattr(row, name) for name in OPTIONS}
    data = {"data": row.data, "queries": f"{row.queries:,}", "passages": f"{row.passages:,}"}
    settings = dict(sorted(row.settings.items()))
    rest = {f"{DECIDES}{key}": value for key, value in sorted(row.components.items())}
    prints = {"trained_on": row.trained_on, "fingerprint": row.data_fingerprint}
    return {**options, **data, **settings, **rest, **{name: text and text[:DIGITS] for name, text in prints.items()}}


def _values(cell: Mapping[str, str | None], keys: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(cell.get(key) for key in keys)


def _word(key: str, short: str, value: str | None) -> str:
    """How a label tells one thing: dpr; sampler=bm25; bits=64; 30,000 passages."""
    if key in ("retriever", "quantizer", "search", "encoder", "data"):  # "dpr flat bm25" would read as a hybrid
        return str(value)
    return f"{value} {key}" if key in ("queries", "passages") else f"{short.removeprefix(DECIDES)}={value}"


def per_query(file: Path, metric: str) -> tuple[list[str], "NDArray[np.float64]"]:
    """Query ids [Q], sorted, and the metric of each, float64 [Q], of the row in `file`; NaN where it does not count.

    Raises LabradorError when the Parquet file beside the row is not there or lacks the metric.
    """
    import numpy as np
    import pyarrow.parquet as parquet

    beside = file.with_name(PER_QUERY)
    try:
        names = parquet.read_schema(beside).names
        if metric not in names:
            known = ", ".join(name for name in names if name != "qid")
            raise LabradorError(f"{beside}: {metric}: a metric of this file was expected: {known}")
        table = parquet.read_table(beside, columns=["qid", metric]).sort_by("qid")
    except (OSError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise LabradorError(
            f"{beside}: the figures of each question were expected ({line}); run that cell again"
        ) from (error)
    return table["qid"].to_pylist(), table[metric].to_numpy().astype(np.float64)


def check_queries(first: Path, qids: Sequence[str], second: Path, others: Sequence[str]) -> None:
    """Raise LabradorError unless two result files have the same sorted query ids."""
    if qids != others:
        apart = sorted(set(qids) ^ set(others)) or ["one that occurs twice"]
        raise LabradorError(
            f"{first} ({len(qids):,}) and {second} ({len(others):,}) were scored on different queries: {apart[0]} is "
            "in only one of them; report runs on different queries separately"
        )
