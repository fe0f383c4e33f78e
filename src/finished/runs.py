"""A run's folder: its result row, the settings it was composed from, and the store with its artifacts."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabradorError
from ..results import FILE_NAME, ResultRow, find, read
from ..settings import build
from ..store import Store

BEST, METRIC = "best", "MRR@10"
PLACES = ("outputs", "multirun")  # where runs are, below the working folder


@dataclass(frozen=True)
class FinishedRun:
    """A run with its result; `settings` are those of each group, `command` is the command line that made it."""

    folder: Path
    row: ResultRow
    settings: dict[str, Any]
    command: str
    store: Store

    def part(self, group: str) -> Any:
        """The component of a group."""
        return self.part_of(group, self.settings[group])

    def part_of(self, group: str, settings: dict[str, Any]) -> Any:
        """The component of a group with `settings` in place of the run's own."""
        try:
            return build(group, settings)
        except LabradorError as error:
            why = f"it is of another version of Labrador ({error})"
            raise LabradorError(f"run={self.folder}: {why}; run the cell again: {self.command}") from error

    @property
    def split(self) -> str:
        """The split whose queries were scored."""
        return str(self.settings["data"]["split"])

    @property
    def title(self) -> str:
        """The run on one line: its options, seed, data and MRR@10."""
        row = self.row
        parts = [row.retriever, row.quantizer, row.search]
        metric = row.metrics.get(METRIC)
        quality = "" if metric is None else f", {METRIC} {metric:.3f}"
        return f"{' '.join(filter(None, parts))} seed={row.seed} on {row.data} ({row.passages:,} passages){quality}"


def choose(name: str, store: Path | None = None) -> FinishedRun:
    """The run in the folder `name` (or with that result.json); "best" is the run with the highest MRR@10 below the
    working folder's outputs/ and multirun/.

    store: where its artifacts are; None = where the run had them. Raises LabradorError if there is no such run.
    """
    return open_run(best_run() if name == BEST else Path(name).expanduser(), store)


def best_run() -> Path:
    """The folder of the run with the highest MRR@10 below outputs/ and multirun/; of equal ones the first by name."""
    places = [place for place in map(Path, PLACES) if place.is_dir()]
    rows = find(places) if places else {}
    scored = {file: score for file, row in rows.items() if (score := row.metrics.get(METRIC)) is not None}
    if not scored:
        raise LabradorError(
            f"run={BEST}: no finished run with an {METRIC} below {' or '.join(f'{place}/' for place in PLACES)} of "
            f"{Path.cwd()}; run a cell first (python run.py ...), or name a run's folder: run=PATH"
        )
    return max(scored, key=lambda file: scored[file]).parent


def open_run(folder: Path, store: Path | None = None) -> FinishedRun:
    """The run in `folder` (or with that result.json), with its own store or another.

    Raises LabradorError naming what is missing there.
    """
    if folder.name == FILE_NAME and folder.is_file():
        folder = folder.parent
    if not (folder / FILE_NAME).is_file():
        below = any(folder.glob(f"*/{FILE_NAME}"))
        advice = "name one of the runs below it" if below else "name a run's folder"
        raise LabradorError(f"run={folder}: no {FILE_NAME} there, expected a finished run; {advice}, or run={BEST}")
    row = read(folder / FILE_NAME)
    settings = _hydra_file(folder, "config", "the run's settings", _settings)
    overrides = _hydra_file(folder, "overrides", "a list of the command line's settings", _texts)
    started_in: Path = _hydra_file(folder, "hydra", "hydra.runtime.cwd", lambda hydra: Path(hydra.hydra.runtime.cwd))
    if store is None:
        named = Path(str(settings["store"])).expanduser()
        store = started_in / named
        if not store.is_dir() and named.is_dir():  # the folders were moved together
            store = named
    if not store.is_dir():
        raise LabradorError(
            f"run={folder}: its store {store} does not exist; name its folder: store=FOLDER for search.py, "
            "--store FOLDER for labrador.export"
        )
    return FinishedRun(folder, row, settings, shlex.join(["python", "run.py", *overrides]), Store(store))


def _hydra_file(folder: Path, name: str, what: str, take: Callable[[Any], Any]) -> Any:
    """What `take` makes of a YAML file that Hydra left in a run's folder; raises LabradorError naming the file."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    path = folder / ".hydra" / f"{name}.yaml"
    try:
        return take(OmegaConf.load(path))
    except (YAMLError, OmegaConfBaseException, OSError, ValueError, TypeError, AttributeError) as error:
        line = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise LabradorError(f"{path}: expected {what} ({line}); run that cell again") from error


def _settings(config: Any) -> dict[str, Any]:
    from omegaconf import OmegaConf

    settings: Any = OmegaConf.to_container(config, resolve=True)
    for name in ("data", "encoder", "quantizer", "search", "store"):
        if not isinstance(settings, dict) or name not in settings:
            raise ValueError(f"{name} is missing")
    return {str(key): value for key, value in settings.items()}


def _texts(overrides: Any) -> list[str]:
    from omegaconf import OmegaConf

    if not OmegaConf.is_list(overrides):
        raise TypeError(f"found {type(overrides).__name__}")
    return [str(override) for override in overrides]
