"""Results and differences as CSV, with every figure in full."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..results import ResultRow
from .systems import System

if TYPE_CHECKING:
    from .significance.differences import Difference

LEFT_OUT = ("keys", "drawn", "components")  # in result.json only


def write_csv(path: Path, rows: Mapping[Path, ResultRow], systems: Sequence[System] = ()) -> None:
    """Write a line for each row: its fields by the names of `ResultRow.flat`, its file, and the label of its system."""
    names = [each.name for each in fields(ResultRow) if each.name not in LEFT_OUT]
    labels = {file: {"system": system.label} for system in systems for file in system.files}
    write_lines(path, [row.flat(*names) | {"file": str(file)} | labels.get(file, {}) for file, row in rows.items()])


def write_differences(path: Path, found: Sequence["Difference"], systems: Sequence[System] = ()) -> None:
    """Write a line for each system and metric: the difference from the baseline, its interval and p values.

    With `systems`, also the data that they are on.
    """
    data = {system.label: {"data": system.data.name, "data_key": system.data.key} for system in systems}
    write_lines(path, [data.get(one.system, {}) | asdict(one) | {"one_seed": ", ".join(one.one_seed)} for one in found])


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file with every column that any of `lines` has, in the order of first appearance."""
    header: Iterable[str] = dict.fromkeys(name for line in lines for name in line)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        writer.writerows(lines)
