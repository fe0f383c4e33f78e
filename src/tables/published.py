"""A published table, as read from experiments/NAME.yaml: its cells, their figures and what they need."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabradorError

SCALES = ("common", "small")
NEEDS = ("gpus", "gpu_memory_gb", "disk_gb", "hours")


@dataclass(frozen=True)
class Cell:
    """One line of a published table."""

    name: str
    overrides: tuple[str, ...] | None  # None: not a method of Labrador
    published: Mapping[str, float]  # metrics in per cent, bytes_per_passage, query_ms

    @property
    def slug(self) -> str:
        """The name as a folder's: new-bpr-binary-flat."""
        return slug(self.name)


@dataclass(frozen=True)
class Published:
    """A published table; `common` or `small` are the overrides of all its cells, by scale."""

    name: str
    title: str
    source: str
    needs: Mapping[str, float]
    common: tuple[str, ...]
    small: tuple[str, ...]
    cells: tuple[Cell, ...]

    def at(self, scale: str) -> tuple[str, ...]:
        """The overrides of all cells at a scale; raises LabradorError for an unknown scale."""
        if scale not in SCALES:
            raise LabradorError(f"scale={scale}: expected {' or '.join(SCALES)}")
        return self.common if scale == "common" else self.small


def slug(name: str) -> str:
    """A cell's name in small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def read_table(file: Path) -> Published:
    """The table in a YAML file; raises LabradorError naming the file and the key at fault."""
    import yaml

    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise LabradorError(f"{file}: expected a published table in YAML ({line})") from error
    _check_keys(values, ("title", "source", "needs", "common", "small", "cells"), str(file))
    _check_keys(values["needs"], NEEDS, f"{file}: needs")
    for name in SCALES:
        _check_overrides(values[name], f"{file}: {name}")
    if not isinstance(values["cells"], list) or not values["cells"]:
        raise LabradorError(f"{file}: cells: expected a list of cells")
    cells = tuple(_cell(cell, f"{file}: cells[{number}]") for number, cell in enumerate(values["cells"]))
    slugs = [cell.slug for cell in cells]
    if twice := next((cell.name for cell in cells if slugs.count(cell.slug) > 1), None):
        raise LabradorError(f"{file}: cells: two cells are called {twice!r}; give each its own name")
    title, source = str(values["title"]), str(values["source"])
    common, small = tuple(values["common"]), tuple(values["small"])
    return Published(file.stem, title, source, values["needs"], common, small, cells)


def _cell(values: Any, where: str) -> Cell:
    _check_keys(values, ("name", "overrides", "published"), where)
    if values["overrides"] is not None:
        _check_overrides(values["overrides"], f"{where}: overrides")
    figures = values["published"]
    if not isinstance(figures, dict) or not all(isinstance(value, (int, float)) for value in figures.values()):
        raise LabradorError(f"{where}: published={figures!r}: expected figures by name, such as {{R@20: 80.5}}")
    overrides = values["overrides"]
    return Cell(str(values["name"]), None if overrides is None else tuple(overrides), figures)


def _check_keys(values: Any, keys: Sequence[str], where: str) -> None:
    if not isinstance(values, dict) or values.keys() != set(keys):
        found = ", ".join(map(str, values)) if isinstance(values, dict) else repr(values)
        raise LabradorError(f"{where}: expected the keys {', '.join(keys)}, found {found}")


def _check_overrides(values: Any, where: str) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) and "=" in value for value in values):
        raise LabradorError(f"{where}={values!r}: expected a list of overrides such as retriever=dpr")
