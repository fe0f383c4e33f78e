"""A table on the terminal: in pieces that fit its width, the best of each column marked."""

import io
import os
import textwrap
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..results import ResultRow
from .columns import Cell, Column
from .layout import Layout, layout

MARK = "*"
UNLIMITED = 10_000  # characters: the width of output to a file or a pipe
READABLE = 120  # characters: the longest line of prose


def print_rows(rows: Sequence[ResultRow]) -> None:
    """Print the table of `rows`."""
    print_table(layout(rows))


def print_table(shown: Layout) -> None:
    """Print a table to the terminal, in pieces that fit its width; to a file or pipe in one piece."""
    console = Console(highlight=False)
    if console.is_terminal:
        _print(console, shown)
    else:
        print(rendered(shown, console.width if "COLUMNS" in os.environ else UNLIMITED), end="")


def rendered(shown: Layout, width: int = UNLIMITED) -> str:
    """A table as plain text of at most `width` characters a line, as far as its columns allow."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        _print(console, shown)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _print(console: Console, shown: Layout) -> None:
    for piece in _pieces(console, shown):
        console.print(_table(shown, piece), width=max(console.width, _width(console, shown, piece)))
        console.print()
    for line in shown.notes(MARK):
        console.print("\n".join(textwrap.wrap(line, min(console.width, READABLE))), style="dim", markup=False)


def _pieces(console: Console, shown: Layout) -> Iterator[list[Column]]:
    """The figures' columns in as few groups as fit the console's width, at least one column each."""
    piece: list[Column] = []
    for column in shown.figures:
        if piece and _width(console, shown, [*piece, column]) > console.width:
            yield piece
            piece = []
        piece.append(column)
    yield piece


def _width(console: Console, shown: Layout, piece: list[Column]) -> int:
    return Measurement.get(console, console.options.update(width=UNLIMITED), _table(shown, piece)).maximum


def _table(shown: Layout, figures: list[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    texts = []
    for column in [*shown.names, *figures]:
        cells = shown.cells(column)
        head, *aligned = _aligned(column, cells)
        table.add_column(head, no_wrap=True, vertical="bottom")
        texts.append([Text(text, "bold" if cell.best else "") for text, cell in zip(aligned, cells, strict=True)])
    for *line, end in zip(*texts, shown.ends, strict=True):
        table.add_row(*line, end_section=end)
    return table


def _aligned(column: Column, cells: Sequence[Cell]) -> list[str]:
    """The head and the cells of a column in equal widths: names to the left, numbers to the right.

    What follows the numbers is aligned, too.
    """
    lines = column.head.split("\n")
    space = " " if any(cell.best for cell in cells) else ""
    margin = max(len(cell.suffix) for cell in cells)
    width = max(*(len(cell.text) for cell in cells), max(map(len, lines)) - (margin + 1 if margin else 0))
    number = column.number or column.best or all(cell.text.replace(",", "").isdecimal() for cell in cells)
    align = str.rjust if number else str.ljust
    texts = [align(cell.text, width) + (MARK if cell.best else space) for cell in cells]
    if margin:
        texts = [f"{text} {cell.suffix:{margin}}" for text, cell in zip(texts, cells, strict=True)]
        return ["\n".join(line.center(len(texts[0])) for line in lines), *texts]
    return ["\n".join(align(line, width) + space for line in lines), *texts]
