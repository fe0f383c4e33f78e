"""The result table as files: CSV with every figure in full, Markdown as it is shown."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..results import ResultRow
from .columns import Column
from .systems import System
from .table import Layout, layout, marks, notes

if TYPE_CHECKING:
    from .significance.differences import Difference

LEFT_OUT = ("keys", "drawn", "components")  # in result.json only


def write_csv(path: Path, rows: Mapping[Path, ResultRow], systems: Sequence[System] = ()) -> None:
    """Write one line per row: its fields, those with entries as `field.entry`, and the file it came from.

    With `systems`, the label of the system whose mean a row is in: the name it has in `write_differences`.
    """
    labels = {file: system.label for system in systems for file in system.files}
    named = [{"system": labels[file]} if file in labels else {} for file in rows]
    write_lines(
        path, [_flat(row) | {"file": str(file)} | name for (file, row), name in zip(rows.items(), named, strict=True)]
    )


def write_differences(path: Path, found: Sequence["Difference"], systems: Sequence[System] = ()) -> None:
    """Write one line per system and metric: the difference to the baseline, its interval and p values in full.

    With `systems`, also the data that they are on.
    """
    data = {system.label: {"data": system.data.name, "data_key": system.data.key} for system in systems}
    write_lines(path, [data.get(one.system, {}) | asdict(one) | {"one_seed": ", ".join(one.one_seed)} for one in found])


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file with every column that one of `lines` has, in the order in which they come up."""
    header: Iterable[str] = dict.fromkeys(name for line in lines for name in line)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        writer.writerows(lines)


def _flat(row: ResultRow) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in (field.name for field in fields(row) if field.name not in LEFT_OUT):
        value = getattr(row, name)
        flat |= {f"{name}.{entry}": item for entry, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def markdown(rows: Sequence[ResultRow]) -> str:
    """The table of `rows` in Markdown, the best of each column in bold."""
    return markdown_table(layout(rows))


def markdown_table(shown: Layout) -> str:
    """A table in Markdown, the best of each column in bold, the notes below it."""
    marked = marks(shown)
    table = [*shown.names, *shown.figures]
    lines = [
        [column.title for column in table],
        ["---:" if column.best or column.number else ":---" for column in table],
    ]
    for number, row in enumerate(shown.rows):
        lines.append([_cell(column, row, bool(marked.get((number, column.head)))) for column in table])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    below = "\n\n".join(note.replace("* best", "**Bold**: best") for note in notes(shown, marked))
    return f"{body}\n\n{below}\n" if below else f"{body}\n"


def _cell(column: Column, row: Any, best: bool) -> str:
    text = column.text(row).replace("|", "\\|")
    return " ".join(filter(None, (f"**{text}**" if best else text, column.beside(row))))
