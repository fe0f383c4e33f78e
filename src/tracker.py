"""Experiment trackers: none, or Weights & Biases. No other file calls it.

python run.py tracker=wandb tracker.project=retrieval                # needs: pip install 'labrador[wandb]'
python run.py -m tracker=wandb tracker.mode=offline quantizer=flat,opq

Training curves are sent as they grow, the result once it is on disk. When sending fails, the run still writes its
result, and the error is reported at the end.
"""

import importlib.util
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from .errors import LabradorError
from .results import FILE_NAME, SHOWN, ResultRow, find
from .settings import component, setting

log = logging.getLogger(__name__)

PACKAGE = "wandb"


@dataclass(frozen=True)
class TrackedCell:
    """What a tracker gets of a cell when it starts; `group` names its sweep (None = a run by itself)."""

    name: str
    group: str | None
    folder: Path
    config: Mapping[str, Any]


class Session:
    """The tracking of one cell, within a `with`: an exception ends it as failed. This one keeps nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            self.fail()

    def curve(self, training: str, entry: Mapping[str, float]) -> None:
        """Take one point of the training's curve: {"step": 10, "loss": ..., ...}."""

    def finish(self, row: ResultRow, folder: Path) -> None:
        """Take the result, already in `folder`; raises LabradorError for what could not be sent."""

    def fail(self) -> None:
        """End the tracking of a cell that failed."""


@component
class NoTracker:
    """Tracks nothing."""

    def check(self) -> None:
        """Raise LabradorError if the tracker cannot be used; called before any work."""

    def start(self, cell: TrackedCell) -> Session:
        """Start tracking a cell; raises LabradorError if that fails."""
        return Session()

    def compare(self, sweep: Path, store: Path) -> None:
        """Send the table and figures of a finished sweep; raises LabradorError for what could not be sent."""


@component
class Wandb(NoTracker):
    """Weights & Biases: a sweep's cells are one group, and one more run of the group holds its table and figures."""

    project: str = setting("labrador", "project of the runs")
    entity: str | None = setting(None, "user or team; null: your default")
    mode: Literal["online", "offline", "disabled"] | None = setting(
        None, "offline: files in the run's folder, for `wandb sync`; null: WANDB_MODE, or online"
    )
    tags: tuple[str, ...] = setting((), "tags of every run")

    def check(self) -> None:
        if importlib.util.find_spec(PACKAGE) is None:
            raise LabradorError(
                "tracker=wandb: the package wandb is not installed; run pip install 'labrador[wandb]', or leave "
                "tracker=none"
            )

    def start(self, cell: TrackedCell) -> Session:
        run = self._run(cell.name, cell.group, "cell", cell.folder, cell.config)
        return WandbSession(run, Path(str(cell.config["store"])) if cell.group is None else None)

    def compare(self, sweep: Path, store: Path) -> None:
        try:
            rows = find([sweep])
        except LabradorError:  # no cell has a result
            return
        run = self._run("comparison", str(sweep), "comparison", sweep, {})
        with one_line_errors(f"the comparison of {sweep}"):
            run.log({"results": table(list(rows.values())), **figures(rows, sweep, store)})
            run.finish()

    def _run(self, name: str, group: str | None, kind: str, folder: Path, config: Mapping[str, Any]) -> Any:
        """Start a wandb run with its files in `folder`."""
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        with one_line_errors("the run"):
            run = wandb.init(
                project=self.project,
                entity=self.entity,
                mode=self.mode,
                tags=list(self.tags),
                name=name,
                group=group,
                job_type=kind,
                dir=str(folder),
                config=dict(config),
                reinit="create_new",  # cells of a sweep may share a process
                settings=wandb.Settings(silent=True, console="off", x_disable_meta=True, disable_git=True),
            )
        if not run.offline and run.url:
            log.info("%s", run.url)
        return run


class WandbSession(Session):
    """A wandb run of one cell. With a `store`, where training curves are, it also gets the figures of that cell."""

    def __init__(self, run: Any, store: Path | None = None) -> None:
        self._run, self._store = run, store
        self._sent: set[tuple[str, float, bool]] = set()  # training, step, whether a loss
        self._fault: LabradorError | None = None

    def curve(self, training: str, entry: Mapping[str, float]) -> None:
        name = f"train/{slug(training)}"
        point = name, entry["step"], "loss" in entry
        if point in self._sent or self._fault is not None:
            return
        try:
            with one_line_errors(f"the curve of {training}"):
                if not any(sent == name for sent, *_ in self._sent):
                    self._run.define_metric(f"{name}/step", hidden=True)
                    self._run.define_metric(f"{name}/*", step_metric=f"{name}/step")
                self._run.log({f"{name}/{key}": value for key, value in entry.items()})
        except LabradorError as error:  # training goes on; reported once the result is on disk
            log.warning("%s", error)
            self._fault = error
        self._sent.add(point)

    def finish(self, row: ResultRow, folder: Path) -> None:
        with one_line_errors(f"the result in {folder}"):
            self._run.config.update({"keys": row.keys, "commit": row.commit})
            images = {} if self._store is None else figures({folder / FILE_NAME: row}, folder, self._store)
            self._run.log({**summary(row), "result": table([row]), **images})
            self._run.summary.update(summary(row))
            self._run.finish()
        if self._fault is not None:
            raise self._fault

    def fail(self) -> None:
        try:
            with one_line_errors("the end of a cell that failed"):
                self._run.finish(exit_code=1)
        except LabradorError as error:  # what made the cell fail is reported instead
            log.warning("%s", error)


def summary(row: ResultRow) -> dict[str, float]:
    """The numbers of a row that reports show, by column: "MRR@10", "bytes_per_passage", "latency_ms.p50", ..."""
    return {name: value for name, value in row.flat(*SHOWN).items() if isinstance(value, (int, float))}


def table(rows: Sequence[ResultRow]) -> Any:
    """The rows as a wandb.Table: all that reports show, and the settings of the command line."""
    import wandb

    lines = [row.flat(*SHOWN, "settings", "disturbed", "commit") for row in rows]
    heads = list(dict.fromkeys(head for line in lines for head in line))
    return wandb.Table(columns=heads, data=[[line.get(head) for head in heads] for line in lines])


def figures(rows: Mapping[Path, ResultRow], folder: Path, store: Path) -> dict[str, Any]:
    """The report's figures of the rows, written to folder/figures, as images by name."""
    import wandb

    from .report.figures import write_figures
    from .report.systems import systems

    files, notes = write_figures(systems(rows), folder / "figures", store)
    for note in notes:
        log.debug("%s", note)
    return {f"figures/{file.stem}": wandb.Image(str(file)) for file in files if file.suffix == ".png"}


def slug(name: str) -> str:
    """A training's name as part of a metric's name: "bidr, global" becomes "bidr-global"."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")


@contextmanager
def one_line_errors(what: str) -> Iterator[None]:
    """Raise errors of wandb, the network and the disk as a LabradorError of one line."""
    import wandb

    try:
        yield
    except (wandb.Error, OSError, RuntimeError, ValueError) as error:
        raise LabradorError(
            f"tracker=wandb: could not send {what} ({' '.join(str(error).split()) or type(error).__name__}); "
            "run again, or use tracker.mode=offline or tracker=none"
        ) from error
