"""The result table on a terminal: as wide as it may be, the best of each column marked."""

import io
import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..results import Data, ResultRow
from .columns import DISTURBED, Column, best_of, columns
from .order import data_of, order

MARK = "*"
TIMED = f"{DISTURBED} timed while other runs used the machine: run these cells again when it is quiet"
UNLIMITED = 10_000  # characters: the width of output that goes to a file or a pipe
READABLE = 120  # characters: the longest line of prose


@dataclass(frozen=True)
class Layout:
    """What a table shows: the columns in which rows differ, and the others in words."""

    rows: Sequence[Any]  # in the order shown: result rows, or whatever the columns take their values from
    names: list[Column]  # tell the rows apart
    figures: list[Column]
    caption: str  # what is the same in all rows
    told: Sequence[str] = ()  # what else is to be said below the table


def layout(rows: Sequence[ResultRow], told: Sequence[str] = ()) -> Layout:
    """Sort the rows and leave out what is the same in all of them (of a single row: nothing but its names)."""
    ordered = sorted(rows, key=order)
    names: list[Column] = []
    figures: list[Column] = []
    same: list[str] = []
    for column in columns(ordered):
        texts = {" ".join(filter(None, (column.text(row), column.beside(row)))) for row in ordered}
        filled = texts - {"-"}
        if not filled:
            continue
        if len(filled if column.optional else texts) > 1 or (len(rows) == 1 and column.best):
            (figures if column.best else names).append(column)
        elif not column.quiet:
            same.append(f"{column.title} {filled.pop()}" + (" (where used)" if "-" in texts else ""))
    if not names:
        names = [column for column in columns(ordered) if column.head in ("retriever", "quantizer")]
        same = [text for text in same if text.split()[0] not in ("retriever", "quantizer")]
    marked = any(column.disturbed(row) for column in figures for row in ordered)
    return Layout(ordered, names, figures, ", ".join(same), (*told, TIMED) if marked else told)


def marks(shown: Layout) -> dict[tuple[int, str], bool]:
    """Whether the cell (row number, column head) is the best of its column among the rows on the same data."""
    marked: dict[tuple[int, str], bool] = {}
    on_data: dict[Data | None, list[tuple[int, Any]]] = {}
    for number, row in enumerate(shown.rows):
        on_data.setdefault(data_of(row), []).append((number, row))
    for numbered in on_data.values():
        for column in shown.figures:
            best = best_of(column, [row for _, row in numbered])
            marked |= {(number, column.head): column.text(row) == best for number, row in numbered}
    return marked


def notes(shown: Layout, marked: dict[tuple[int, str], bool]) -> list[str]:
    """What is said below the table."""
    best = [f"{MARK} best of its column"] if any(marked.values()) else []
    same = [f"The same in all rows: {shown.caption}"] if shown.caption else []
    return [*best, *shown.told, *same]


def print_rows(rows: Sequence[ResultRow]) -> None:
    """Print the table of `rows`, see `print_table`."""
    print_table(layout(rows))


def print_table(shown: Layout) -> None:
    """Print a table to the terminal, in pieces that fit its width; to a file or pipe in one piece."""
    console = Console(highlight=False)
    if console.is_terminal:
        _print(console, shown)
    else:
        print(rendered(shown, console.width if "COLUMNS" in os.environ else UNLIMITED), end="")


def render(rows: Sequence[ResultRow], width: int = UNLIMITED) -> str:
    """The table of `rows` as plain text, see `rendered`."""
    return rendered(layout(rows), width)


def rendered(shown: Layout, width: int = UNLIMITED) -> str:
    """A table as plain text of at most `width` characters a line, where its columns allow it."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        _print(console, shown)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _print(console: Console, shown: Layout) -> None:
    marked = marks(shown)
    for piece in _pieces(console, shown, marked):
        console.print(_table(shown, piece, marked), width=max(console.width, _width(console, shown, piece, marked)))
        console.print()
    for line in notes(shown, marked):
        console.print("\n".join(textwrap.wrap(line, min(console.width, READABLE))), style="dim", markup=False)


def _pieces(console: Console, shown: Layout, marked: dict[tuple[int, str], bool]) -> Iterator[list[Column]]:
    """The figures' columns in as few groups as fit the console's width, one column each at least."""
    piece: list[Column] = []
    for column in shown.figures:
        if piece and _width(console, shown, [*piece, column], marked) > console.width:
            yield piece
            piece = []
        piece.append(column)
    yield piece


def _width(console: Console, shown: Layout, piece: list[Column], marked: dict[tuple[int, str], bool]) -> int:
    wide = console.options.update(width=UNLIMITED)
    return Measurement.get(console, wide, _table(shown, piece, marked)).maximum


def _table(shown: Layout, figures: list[Column], marked: dict[tuple[int, str], bool]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    cells = []
    for column in [*shown.names, *figures]:
        best = [bool(marked.get((number, column.head))) for number in range(len(shown.rows))]
        beside = [column.beside(row) for row in shown.rows]
        head, *texts = _aligned(column, [column.text(row) for row in shown.rows], best, beside)
        table.add_column(head, no_wrap=True, vertical="bottom")
        cells.append([Text(text, style="bold" if won else "") for text, won in zip(texts, best, strict=True)])
    for number, line in enumerate(zip(*cells, strict=True)):
        following = shown.rows[number + 1 : number + 2]
        table.add_row(*line, end_section=any(data_of(row) != data_of(shown.rows[number]) for row in following))
    return table


def _aligned(column: Column, texts: list[str], best: list[bool], beside: list[str]) -> list[str]:
    """The head and the cells of a column in equal widths, the best marked: names to the left, numbers to the right.

    What stands beside a number stands to its right, each under the others.
    """
    lines = column.head.split("\n")
    space = " " if any(best) else ""
    margin = max(map(len, beside))
    width = max(*map(len, texts), max(map(len, lines)) - (margin + 1 if margin else 0))
    numbers = column.number or column.best is not None or all(text.replace(",", "").isdecimal() for text in texts)
    align = str.rjust if numbers else str.ljust
    cells = [align(text, width) + (MARK if won else space) for text, won in zip(texts, best, strict=True)]
    if margin:
        cells = [f"{cell} {more:{margin}}" for cell, more in zip(cells, beside, strict=True)]
        return ["\n".join(line.center(len(cells[0])) for line in lines), *cells]
    return ["\n".join(align(line, width) + space for line in lines), *cells]
