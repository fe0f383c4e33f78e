"""The result table as files: CSV with every figure in full, Markdown as it is shown."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from .rows import ResultRow
from .table import layout, marks, notes

LEFT_OUT = ("keys",)  # names of artifacts: in result.json only


def write_csv(path: Path, rows: Mapping[Path, ResultRow]) -> None:
    """Write one line per row: its fields, those with entries as `field.entry`, and the file it came from."""
    flat = [_flat(row) | {"file": str(file)} for file, row in rows.items()]
    header = dict.fromkeys(name for line in flat for name in line)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        writer.writerows(flat)


def _flat(row: ResultRow) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name in (field.name for field in fields(row) if field.name not in LEFT_OUT):
        value = getattr(row, name)
        flat |= {f"{name}.{entry}": item for entry, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def markdown(rows: Sequence[ResultRow]) -> str:
    """The table of `rows` in Markdown, the best of each column in bold."""
    shown = layout(rows)
    marked = marks(shown)
    table = [*shown.names, *shown.figures]
    lines = [
        [column.title for column in table],
        ["---:" if column.best else ":---" for column in table],
    ]
    for number, row in enumerate(shown.rows):
        texts = [(column.text(row).replace("|", "\\|"), marked.get((number, column.head))) for column in table]
        lines.append([f"**{text}**" if best else text for text, best in texts])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    below = "\n\n".join(note.replace("* best", "**Bold**: best") for note in notes(shown, marked))
    return f"{body}\n\n{below}\n" if below else f"{body}\n"
