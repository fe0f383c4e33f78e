"""What the command line asks of a published table: which one, at what scale, with which settings and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabradorError
from .published import Cell, Published, read_table, slug

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "experiments"
RUNS = Path("multirun/tables")
SAME = ("seed", "device", "store")  # settings that leave a figure comparable with the published one
OWN = ("scale", "processes", "seed", "baseline")  # keys of this command; the others are settings of run.py


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    table: Published
    scale: str
    seeds: tuple[int, ...]
    processes: int
    overrides: tuple[str, ...]  # win over the table's; without the seed
    baseline: str | None = None  # the name of the cell that others are tested against; None = the first measured

    @property
    def comparable(self) -> bool:
        """Whether the cells run as they were published."""
        return self.scale == "common" and all(_key(override) in SAME for override in self.overrides)

    @property
    def folder(self) -> Path:
        """Where the cells run and the table is written."""
        return RUNS / self.table.name / self.scale

    def settings(self, cell: Cell) -> list[str]:
        """The overrides of a cell, each key once: the table's, the cell's own, the command line's; the last wins."""
        given = [*self.table.at(self.scale), *(cell.overrides or ()), *self.overrides]
        return list({_key(override): override for override in given}.values())


def parse(arguments: Sequence[str]) -> Request:
    """The command line's request; raises LabradorError for an unknown table, scale or cell, or a wrong setting."""
    name, *rest = arguments
    file = Path(name) if name.endswith((".yaml", ".yml")) else EXPERIMENTS / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in EXPERIMENTS.glob("*.yaml")))
        raise LabradorError(f"{name}: expected a published table ({known}) or a YAML file like theirs")
    for argument in rest:
        if "=" not in argument:
            raise LabradorError(f"{argument}: expected KEY=VALUE, such as scale=small or data=beir")
        key, value = argument.split("=", 1)
        if key not in ("seed", "baseline") and "," in value and value[0] not in "[{'\"":
            raise LabradorError(f"{argument}: expected one value; only seed takes several, as seed=0,1")
    own = dict(argument.split("=", 1) for argument in rest if _key(argument) in OWN)
    table, scale = read_table(file), own.get("scale", "common")
    given = [*table.at(scale), *rest]
    seeds = [argument.split("=", 1)[1] for argument in given if _key(argument) == "seed"][-1:] or ["0"]
    return Request(
        table,
        scale,
        seeds=tuple(_number("seed", seed, 0) for seed in dict.fromkeys(seeds[0].split(","))),
        processes=_number("processes", own.get("processes", "1"), 1),
        overrides=tuple(argument for argument in rest if _key(argument) not in OWN),
        baseline=_cell(table, own["baseline"]) if "baseline" in own else None,
    )


def _cell(table: Published, wanted: str) -> str:
    """The name of the cell that runs and is called `wanted`, by its name or its folder's."""
    run = [cell for cell in table.cells if cell.overrides is not None]
    for cell in run:
        if cell.slug == slug(wanted):
            return cell.name
    known = ", ".join(cell.slug for cell in run)
    raise LabradorError(f"baseline={wanted}: expected a cell of {table.name} that runs: {known}")


def _key(override: str) -> str:
    return override.lstrip("+").split("=", 1)[0]


def _number(key: str, text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise LabradorError(f"{key}={text}: expected a whole number from {least}")
    return int(text)
