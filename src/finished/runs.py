"""A run's folder: its result row, the settings it was composed of, and the store its artifacts lie in."""

import shlex
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
    """A run that has its result; `settings` are those of each group, `command` the command line that made it."""

    folder: Path
    row: ResultRow
    settings: dict[str, Any]
    command: str
    store: Store

    def part(self, group: str) -> Any:
        """The component of a group."""
        return self.part_of(group, self.settings[group])

    def part_of(self, group: str, settings: dict[str, Any]) -> Any:
        """The component of a group with other settings than the run's own."""
        try:
            return build(group, settings)
        except LabradorError as error:  # a setting of another version of Labrador
            raise LabradorError(f"run={self.folder}: {error}; run the cell again: {self.command}") from error

    @property
    def split(self) -> str:
        """The split whose questions were scored."""
        return str(self.settings["data"]["split"])

    @property
    def title(self) -> str:
        """What tells it from other runs, in one line."""
        row = self.row
        parts = [row.retriever, row.quantizer, row.search]
        metric = row.metrics.get(METRIC)
        quality = "" if metric is None else f", {METRIC} {metric:.3f}"
        return f"{' '.join(filter(None, parts))} seed={row.seed} on {row.data} ({row.passages:,} passages){quality}"


def choose(name: str, store: Path | None = None) -> FinishedRun:
    """The run in the folder `name` (or with that result row); "best" is that with the highest MRR@10 below the working
    folder's outputs/ and multirun/.

    store: where its artifacts are; None: where the run had them.
    Raises LabradorError when there is none, or its files are not those of a run.
    """
    return open_run(best_run() if name == BEST else Path(name).expanduser(), store)


def best_run() -> Path:
    """The folder of the run with the highest MRR@10 below outputs/ and multirun/; of equal ones the first by name."""
    places = [place for place in map(Path, PLACES) if place.is_dir()]
    rows = find(places) if places else {}
    scored = {file: row.metrics[METRIC] for file, row in rows.items() if row.metrics.get(METRIC) is not None}
    if not scored:
        raise LabradorError(
            f"run={BEST}: no finished run with an {METRIC} below {' or '.join(f'{place}/' for place in PLACES)} of "
            f"{Path.cwd()}; run a cell first (python run.py ...), or name a run's folder: run=PATH"
        )
    return max(scored, key=lambda file: scored[file] or 0.0).parent


def open_run(folder: Path, store: Path | None = None) -> FinishedRun:
    """The run in `folder` (or whose result row it is), with its own store or another.

    Raises LabradorError naming what is missing there.
    """
    if folder.name == FILE_NAME and folder.is_file():
        folder = folder.parent
    if not (folder / FILE_NAME).is_file():
        found = (
            "it has runs below it; name one of them" if any(folder.glob(f"*/{FILE_NAME}")) else "name a run's folder"
        )
        raise LabradorError(f"run={folder}: no {FILE_NAME} there, a finished run was expected; {found}, or run={BEST}")
    row = read(folder / FILE_NAME)
    config, hydra, overrides = (folder / ".hydra" / f"{name}.yaml" for name in ("config", "hydra", "overrides"))
    missing = [path for path in (config, hydra, overrides) if not path.is_file()]
    if missing:
        raise LabradorError(f"{missing[0]}: not there; the folder as the run left it was expected; run that cell again")
    settings, words = _resolved(config), _listed(overrides)
    if store is None:
        named = Path(str(settings["store"])).expanduser()
        store = _home(hydra) / named
        if not store.is_dir() and named.is_dir():  # the folders were moved together
            store = named
    if not store.is_dir():
        raise LabradorError(
            f"run={folder}: its store {store} is not there; name the folder it is in now: store=FOLDER for search.py, "
            "--store FOLDER for labrador.export"
        )
    return FinishedRun(folder, row, settings, shlex.join(["python", "run.py", *words]), Store(store))


def _listed(path: Path) -> list[str]:
    words = _read(path)
    if not isinstance(words, list):
        raise LabradorError(f"{path}: a list of the command line's settings was expected; run that cell again")
    return [str(word) for word in words]


def _home(path: Path) -> Path:
    """The folder that the run was started in."""
    try:
        return Path(str(_read(path)["hydra"]["runtime"]["cwd"]))
    except (KeyError, TypeError) as error:
        raise LabradorError(f"{path}: hydra.runtime.cwd was expected; run that cell again") from error


def _resolved(path: Path) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        settings = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except (YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError) as error:
        raise LabradorError(
            f"{path}: the run's settings were expected ({' '.join(str(error).split())}); run that cell again"
        ) from error
    needed = ("data", "encoder", "quantizer", "search", "store")
    lacking = [name for name in needed if not isinstance(settings, dict) or name not in settings]
    if not isinstance(settings, dict) or lacking:
        raise LabradorError(f"{path}: the run's settings were expected, {lacking[0]} is missing; run that cell again")
    return {str(key): value for key, value in settings.items()}


def _read(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LabradorError(
            f"{path}: YAML was expected ({' '.join(str(error).split())}); run that cell again"
        ) from error
