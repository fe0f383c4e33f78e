"""The result table on a terminal: as wide as it may be, the best of each column marked."""

import io
import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from .columns import Column, best_of, columns
from .rows import ResultRow

MARK = "*"
UNLIMITED = 10_000  # characters: the width of output that goes to a file or a pipe
READABLE = 120  # characters: the longest line of prose


@dataclass(frozen=True)
class Layout:
    """What a table of `rows` shows: the columns in which rows differ, and the others in words."""

    rows: list[ResultRow]  # in the order shown
    names: list[Column]  # tell the rows apart
    figures: list[Column]
    caption: str


def layout(rows: Sequence[ResultRow]) -> Layout:
    """Sort the rows and leave out what is the same in all of them (of a single row: nothing but its names)."""
    ordered = sorted(rows, key=order)
    names: list[Column] = []
    figures: list[Column] = []
    same: list[str] = []
    for column in columns(ordered):
        texts = {column.text(row) for row in ordered}
        told = texts - {"-"}
        if not told:
            continue
        if len(told if column.optional else texts) > 1 or (len(rows) == 1 and column.best):
            (figures if column.best else names).append(column)
        else:
            same.append(f"{column.title} {told.pop()}" + (" (where used)" if "-" in texts else ""))
    if not names:
        names = [column for column in columns(ordered) if column.head in ("retriever", "quantizer")]
        same = [text for text in same if text.split()[0] not in ("retriever", "quantizer")]
    return Layout(ordered, names, figures, ", ".join(same))


def order(row: ResultRow) -> tuple:
    """The place of a row: by data, retriever, the largest codes first, then by name (opq8 before opq16), then seed."""
    names = (row.quantizer, row.search, row.sampler, row.encoder)
    settings = [_natural(f"{key}={value}") for key, value in sorted(row.settings.items())]
    size = -(row.bytes_per_passage or 0)
    return (_natural(row.data), _natural(row.retriever), size, *map(_natural, names), settings, row.seed)


def _natural(name: str | None) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name or "")]


def marks(shown: Layout) -> dict[tuple[int, str], bool]:
    """Whether the cell (row number, column head) is the best of its column among the rows on the same data."""
    marked: dict[tuple[int, str], bool] = {}
    for _, group in groupby(enumerate(shown.rows), key=lambda item: item[1].data):
        numbered = list(group)
        for column in shown.figures:
            best = best_of(column, [row for _, row in numbered])
            marked |= {(number, column.head): column.text(row) == best for number, row in numbered}
    return marked


def notes(shown: Layout, marked: dict[tuple[int, str], bool]) -> list[str]:
    """What is said below the table."""
    told = [f"{MARK} best of its column"] if any(marked.values()) else []
    return [*told, f"The same in all rows: {shown.caption}"] if shown.caption else told


def print_rows(rows: Sequence[ResultRow]) -> None:
    """Print the table of `rows` to the terminal, in pieces that fit its width; to a file or pipe in one piece."""
    console = Console(highlight=False)
    if console.is_terminal:
        _print(console, rows)
    else:
        print(render(rows, console.width if "COLUMNS" in os.environ else UNLIMITED), end="")


def render(rows: Sequence[ResultRow], width: int = UNLIMITED) -> str:
    """The table of `rows` as plain text of at most `width` characters a line, where its columns allow it."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        _print(console, rows)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _print(console: Console, rows: Sequence[ResultRow]) -> None:
    shown = layout(rows)
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
        head, *texts = _aligned(column, [column.text(row) for row in shown.rows], best)
        table.add_column(head, no_wrap=True, vertical="bottom")
        cells.append([Text(text, style="bold" if won else "") for text, won in zip(texts, best, strict=True)])
    for number, line in enumerate(zip(*cells, strict=True)):
        following = shown.rows[number + 1 : number + 2]
        table.add_row(*line, end_section=any(row.data != shown.rows[number].data for row in following))
    return table


def _aligned(column: Column, texts: list[str], best: list[bool]) -> list[str]:
    """The head and the cells of a column in equal widths, the best marked: names to the left, numbers to the right."""
    lines = column.head.split("\n")
    width = max(map(len, [*texts, *lines]))
    numbers = column.best is not None or all(text.replace(",", "").isdecimal() for text in texts)
    align = str.rjust if numbers else str.ljust
    space = " " if any(best) else ""
    cells = [align(text, width) + (MARK if won else space) for text, won in zip(texts, best, strict=True)]
    return ["\n".join(align(line, width) + space for line in lines), *cells]
