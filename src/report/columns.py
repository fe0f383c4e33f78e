"""The columns of a result table: where each value comes from, how it is shown, and which value is the best."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..results import ResultRow
from .averages import Average

NAMES = ("retriever", "quantizer", "sampler", "search", "data", "encoder", "train", "seed", "device", "threads")
USED = ("quantizer", "sampler", "search", "encoder", "train")  # groups that a row may have no use for
SIZES = ("queries", "passages")
STAGES = ("train", "encode", "quantize", "search")
PERCENTILES = ("p50", "p99")
DISTURBED = "~"  # behind a figure that was taken while other runs used the machine
SIGNS = {1: "▲", -1: "▼"}  # significantly better, worse than the baseline


@dataclass(frozen=True)
class Column:
    """One column: `value` takes it from a row (None = nothing to show), `show` makes text of it.

    `spread` (over seeds) and `sign` (of a significant difference to a baseline) stand beside the value. A value that is
    `disturbed` is marked and never the best.
    """

    head: str  # "\n" where the head may be broken
    value: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    best: Literal["highest", "lowest"] | None = None  # None: the column tells rows apart
    number: bool = False  # whether to stand to the right although it has no best
    optional: bool = False  # whether None means that the row's method has no use for it
    quiet: bool = False  # whether it is passed over where it is the same in all rows
    spread: Callable[[Any], float | None] = lambda row: None
    sign: Callable[[Any], int] = lambda row: 0
    disturbed: Callable[[Any], bool] = lambda row: False

    @property
    def title(self) -> str:
        """The head in one line."""
        return self.head.replace("/\n", "/").replace("\n", " ")

    def text(self, row: Any) -> str:
        """What stands in the row's cell."""
        value = self.value(row)
        return "-" if value is None else self.show(value) + (DISTURBED if self.disturbed(row) else "")

    def brackets(self, row: Any) -> str:
        """The spread as it is shown: "(0.004)", or nothing."""
        spread = self.spread(row)
        return "" if spread is None else f"({self.show(spread)})"

    def beside(self, row: Any) -> str:
        """What stands beside the value: "(0.004) ▲", "▲", or nothing."""
        return " ".join(filter(None, (self.brackets(row), SIGNS.get(self.sign(row)))))


def columns(rows: Sequence[ResultRow]) -> list[Column]:
    """Every column that `rows` can fill: names first, then quality, sizes, time."""
    metrics = dict.fromkeys(name for row in rows for name in row.metrics)
    stages = dict.fromkeys([*STAGES, *(name for row in rows for name in row.seconds)])
    searched = dict.fromkeys(name for row in rows for name in row.latency_ms if name not in PERCENTILES)
    untold = _untold(rows)
    settings = dict.fromkeys(name for row in rows for name in row.settings if name not in untold)
    machine = dict.fromkeys(name for row in rows for name in row.machine or {})
    return [
        *(Column(name, _seeds if name == "seed" else _attribute(name), optional=True) for name in NAMES),
        *(_setting(name, rows) for name in settings),
        *(Column(name, _entry("components", name)) for name in untold),
        *(Column(name, _machine(name), quiet=True) for name in machine if name not in NAMES),
        *(Column(name, _attribute(name), "{:,}".format) for name in SIZES),
        *map(_metric, metrics),
        Column("bytes/\npassage", _attribute("bytes_per_passage"), count, "lowest"),
        Column("index\nsize", _attribute("index_bytes"), size, "lowest"),
        Column("on disk\nbeside", lambda row: row.disk_bytes or None, size, "lowest"),
        *(_speed(f"ms/query\n{name}", _entry("latency_ms", name), "lowest") for name in ("p50", *searched)),
        _speed("queries/\ns", _attribute("qps"), "highest"),
        *(Column(f"{name}\n(s)", _time(name), seconds, "lowest") for name in stages),
    ]


def best_of(column: Column, rows: Iterable[Any]) -> str | None:
    """The text of the best value, to the precision shown; None where there is no choice between two values."""
    values = [value for row in rows if (value := column.value(row)) is not None and not column.disturbed(row)]
    if column.best is None or len({column.show(value) for value in values}) < 2:
        return None
    return column.show(max(values) if column.best == "highest" else min(values))


def _attribute(name: str) -> Callable[[ResultRow], Any]:
    return lambda row: getattr(row, name)


def _seeds(row: ResultRow) -> int | str:
    return ", ".join(map(str, row.seeds)) if isinstance(row, Average) else row.seed


def _metric(name: str) -> Column:
    return Column(
        name,
        _entry("metrics", name),
        "{:.3f}".format,
        "highest",
        spread=lambda row: row.spreads.get(name) if isinstance(row, Average) else None,
        sign=lambda row: row.signs.get(name, 0) if isinstance(row, Average) else 0,
    )


def _speed(head: str, value: Callable[[ResultRow], Any], best: Literal["highest", "lowest"]) -> Column:
    return Column(head, value, three_digits, best, disturbed=lambda row: row.disturbed)


def _entry(field: str, name: str) -> Callable[[ResultRow], Any]:
    return lambda row: getattr(row, field).get(name)


def _setting(name: str, rows: Sequence[ResultRow]) -> Column:
    """A setting's column: nothing where a row has its option's own, or has no use for the group."""
    group = name.partition(".")[0]
    lacking = [row for row in rows if name not in row.settings]
    return Column(name, _entry("settings", name), optional=not any(_uses(row, group) for row in lacking))


def _uses(row: ResultRow, group: str) -> bool:
    """Whether a group had a part in a row, as far as the row says."""
    return group not in USED or getattr(row, group) is not None


def _untold(rows: Sequence[ResultRow]) -> list[str]:
    """The settings in which rows differ although they have the same options and differ from these in the same."""
    alike: dict[Any, list[ResultRow]] = {}
    for row in rows:
        told = (row.retriever, *(getattr(row, group) for group in USED), *sorted(row.settings.items()))
        alike.setdefault(told, []).append(row)
    names = {name: None for row in rows for name in sorted(row.components)}
    return [
        name for name in names if any(len({row.components.get(name) for row in same}) > 1 for same in alike.values())
    ]


def _machine(name: str) -> Callable[[ResultRow], Any]:
    return lambda row: (row.machine or {}).get(name)


def _time(stage: str) -> Callable[[ResultRow], Any]:
    """Seconds of a stage; None where it took none, which is how a method without it (bm25: no training) says so."""
    return lambda row: row.seconds.get(stage) or None


def count(value: float) -> str:
    """48, 96.5, 1,536."""
    return f"{value:,.1f}".removesuffix(".0")


def size(value: float) -> str:
    """Bytes in decimal units: 512 B, 4.61 MB, 32.3 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{three_digits(value)} {unit}" if unit != "B" else f"{value:.0f} B"
        value /= 1000
    return f"{three_digits(value)} TB"


def three_digits(value: float) -> str:
    """Three significant digits, or all digits before the point: 0, 0.0123, 0.500, 1.23, 12.3, 1,234."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    if abs(value) >= 9.995:
        return f"{value:.1f}"
    if abs(value) >= 0.9995:
        return f"{value:.2f}"
    return f"{value:#.3g}" if value else "0"


def seconds(value: float) -> str:
    """0.0, 12.3, 1,234."""
    return f"{value:,.1f}" if value < 99.95 else f"{value:,.0f}"
