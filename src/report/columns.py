"""The columns of a result table: where each value comes from, how it is shown, and which value is best.

`ResultRow` declares every figure and how it is shown; nothing here lists them again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..results import OPTIONS, SHOWN, ResultRow, Shown
from .averages import Average

DISTURBED = "~"  # after a figure that was measured while other runs used the machine
SIGNS = {1: "▲", -1: "▼"}  # significantly better, worse than the baseline


class Cell(NamedTuple):
    """A value as it is shown, and what follows it."""

    text: str
    best: bool  # of its column, among the rows on the same data
    spread: str  # over seeds: "(0.004)"
    sign: int  # 1 = significantly better than the baseline, -1 = worse

    @property
    def suffix(self) -> str:
        """What follows the value: "(0.004) ▲", "▲", or nothing."""
        return " ".join(filter(None, (self.spread, SIGNS.get(self.sign))))


@dataclass(frozen=True)
class Column:
    """One column: `value` takes it from a row (None = nothing to show), `show` turns it into text.

    Its spread over seeds and the sign of a significant difference from a baseline follow the value. A value that is
    `disturbed` is marked and never the best.
    """

    head: str  # "\n" where it may break
    value: Callable[[Any], Any]
    show: Callable[[Any], str] = str
    best: Literal["highest", "lowest"] | None = None  # None: the column only identifies rows
    group: str = "setting"  # as of `Shown`
    brief: bool = False  # whether a table for a paper has it
    number: bool = False  # whether to align right although no value is best
    optional: bool = False  # whether None means that the row's method does not use it
    quiet: bool = False  # whether to omit it if all rows have the same
    spread: Callable[[Any], float | None] = lambda row: None
    sign: Callable[[Any], int] = lambda row: 0
    disturbed: Callable[[Any], bool] = lambda row: False

    @property
    def title(self) -> str:
        """The head in one line."""
        return self.head.replace("/\n", "/").replace("\n", " ")

    def text(self, row: Any) -> str:
        """The value as it is shown."""
        value = self.value(row)
        return "-" if value is None else self.show(value) + (DISTURBED if self.disturbed(row) else "")

    def cell(self, row: Any, best: str | None = None) -> Cell:
        """The row's cell; `best` is the text of the best value."""
        text, spread = self.text(row), self.spread(row)
        return Cell(text, text == best, "" if spread is None else f"({self.show(spread)})", self.sign(row))


def columns(rows: Sequence[ResultRow]) -> list[Column]:
    """Every column that `rows` can fill: options and settings first, then the figures in the order of `ResultRow`."""
    hidden = _hidden(rows)
    settings = dict.fromkeys(name for row in rows for name in row.settings if name not in hidden)
    machine = dict.fromkeys(name for row in rows for name in row.machine or {} if name not in SHOWN)
    names = [name for name, shown in SHOWN.items() if shown.group in ("option", "setting")]
    return [
        *(Column(SHOWN[name].head(), _seeds if name == "seed" else _attribute(name), optional=True) for name in names),
        *(_setting(name, rows) for name in settings),
        *(Column(name, _entry("components", name)) for name in hidden),
        *(Column(name, _entry("machine", name), quiet=True) for name in machine),
        *(column for name, shown in SHOWN.items() if name not in names for column in _figure(name, shown, rows)),
    ]


def best_of(column: Column, rows: Iterable[Any]) -> str | None:
    """The text of the best value, to the precision shown; None unless there are two different values."""
    values = [value for row in rows if (value := column.value(row)) is not None and not column.disturbed(row)]
    if column.best is None or len({column.show(value) for value in values}) < 2:
        return None
    return column.show(max(values) if column.best == "highest" else min(values))


def _figure(name: str, shown: Shown, rows: Sequence[ResultRow]) -> list[Column]:
    """The column of a figure, or a column for each entry of a figure that has several."""
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
        group=shown.group,
        brief=quality or bool(shown.axis and entry in ("", *shown.first)),
        spread=lambda row: row.spreads.get(entry) if quality and isinstance(row, Average) else None,
        sign=lambda row: row.signs.get(entry, 0) if quality and isinstance(row, Average) else 0,
        disturbed=lambda row: shown.timed and row.disturbed,
    )


def _attribute(name: str) -> Callable[[ResultRow], Any]:
    return lambda row: getattr(row, name)


def _entry(field: str, name: str) -> Callable[[ResultRow], Any]:
    return lambda row: (getattr(row, field) or {}).get(name)


def _seeds(row: ResultRow) -> int | str:
    return ", ".join(map(str, row.seeds)) if isinstance(row, Average) else row.seed


def _setting(name: str, rows: Sequence[ResultRow]) -> Column:
    """A setting's column; empty for a row with its option's default, or whose method does not use the option."""
    group = name.partition(".")[0]
    using = [row for row in rows if group not in OPTIONS or getattr(row, group) is not None]
    return Column(name, _entry("settings", name), optional=all(name in row.settings for row in using))


def _hidden(rows: Sequence[ResultRow]) -> list[str]:
    """The settings in which rows differ although their options and the settings they were given are the same."""
    alike: dict[Any, list[ResultRow]] = {}
    for row in rows:
        alike.setdefault((*(getattr(row, name) for name in OPTIONS), *sorted(row.settings.items())), []).append(row)
    names = {name: None for row in rows for name in sorted(row.components)}
    return [
        name for name in names if any(len({row.components.get(name) for row in same}) > 1 for same in alike.values())
    ]
