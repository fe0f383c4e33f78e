"""The columns of a result table: where each value comes from, how it is shown, and which value is the best."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..results import OPTIONS, SHOWN, ResultRow, Shown
from .averages import Average

USED = OPTIONS[1:]  # groups that a row may have no use for
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
    """Every column that `rows` can fill: what tells them apart first, then the figures, each as `ResultRow` declares
    it.
    """
    untold = _untold(rows)
    settings = dict.fromkeys(name for row in rows for name in row.settings if name not in untold)
    machine = dict.fromkeys(name for row in rows for name in row.machine or {} if name not in SHOWN)
    names = [name for name, shown in SHOWN.items() if shown.group in ("option", "setting")]
    return [
        *(Column(SHOWN[name].head(), _seeds if name == "seed" else _attribute(name), optional=True) for name in names),
        *(_setting(name, rows) for name in settings),
        *(Column(name, _entry("components", name)) for name in untold),
        *(Column(name, _machine(name), quiet=True) for name in machine),
        *(column for name, shown in SHOWN.items() if name not in names for column in _figure(name, shown, rows)),
    ]


def _figure(name: str, shown: Shown, rows: Sequence[ResultRow]) -> list[Column]:
    """The column of a figure; of one with several entries a column each."""
    values = [value for row in rows if isinstance(value := getattr(row, name), dict)]
    if not values:
        return [_shown(shown, "", _attribute(name))]
    entries = dict.fromkeys([*shown.first, *(entry for value in values for entry in value)])
    return [_shown(shown, entry, _entry(name, entry)) for entry in entries if entry not in shown.left_out]


def _shown(shown: Shown, entry: str, value: Callable[[ResultRow], Any]) -> Column:
    quality = shown.group == "quality"
    return Column(
        shown.head(entry),
        (lambda row: value(row) or None) if shown.blank_at_zero else value,
        shown.text,
        shown.best,
        spread=lambda row: row.spreads.get(entry) if quality and isinstance(row, Average) else None,
        sign=lambda row: row.signs.get(entry, 0) if quality and isinstance(row, Average) else 0,
        disturbed=lambda row: shown.timed and row.disturbed,
    )


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
