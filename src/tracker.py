"""What an experiment tracker is told of a run: nothing, or everything to Weights & Biases. The one place that calls it.

python run.py tracker=wandb tracker.project=retrieval                # needs: pip install 'labrador[wandb]'
python run.py -m tracker=wandb tracker.mode=offline quantizer=flat,opq

A run's curves are sent while it trains, its result once it is on disk. A tracker that fails keeps no result from being
written; it is told at the end.
"""

import importlib.util
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errors import LabradorError
from .results import FILE_NAME, SHOWN, ResultRow, find

log = logging.getLogger(__name__)

PACKAGE = "wandb"


@dataclass(frozen=True)
class Told:
    """What a tracker is told of a cell when it starts; `group` names its sweep (None: a run by itself)."""

    name: str
    group: str | None
    folder: Path
    config: Mapping[str, Any]


class Session:
    """A cell that is being tracked: this one by nothing."""

    def curve(self, training: str, entry: Mapping[str, float]) -> None:
        """Take one point of the curve of the training of that name: {"step": 10, "loss": ..., ...}."""

    def finish(self, row: ResultRow, folder: Path) -> None:
        """Take the result, which is in `folder` by now; raises LabradorError for what could not be sent."""

    def fail(self) -> None:
        """The cell failed."""


@dataclass(frozen=True, kw_only=True)
class NoTracker:
    """Nothing is tracked."""

    def check(self) -> None:
        """Raise LabradorError, before any work, when the tracker cannot be used."""

    def start(self, told: Told) -> Session:
        """Begin to track a cell; raises LabradorError when that cannot be."""
        return Session()

    def compare(self, sweep: Path, store: Path) -> None:
        """Take the table and the figures of all results of a sweep; raises LabradorError for what could not be sent."""


@dataclass(frozen=True, kw_only=True)
class Wandb(NoTracker):
    """Weights & Biases: cells of one sweep are grouped, its table and figures are a run of that group.

    A run by itself has its own. mode: null is wandb's own choice, WANDB_MODE or online.
    """

    project: str = "labrador"
    entity: str | None = None
    mode: Literal["online", "offline", "disabled"] | None = None
    tags: tuple[str, ...] = field(default=())

    def check(self) -> None:
        if importlib.util.find_spec(PACKAGE) is None:
            raise LabradorError(
                "tracker=wandb: the package wandb is not installed; run pip install 'labrador[wandb]', or leave "
                "tracker=none"
            )

    def start(self, told: Told) -> Session:
        run = self._run(told.name, told.group, "cell", told.folder, told.config)
        return WandbSession(run, Path(str(told.config["store"])) if told.group is None else None)

    def compare(self, sweep: Path, store: Path) -> None:
        try:
            rows = find([sweep])
        except LabradorError:  # no cell of the sweep has a result: there is nothing to compare
            return
        run = self._run("comparison", str(sweep), "comparison", sweep, {})
        with told_as_ours(f"the comparison of {sweep}"):
            run.log({"results": table(list(rows.values())), **figures(rows, sweep, store)})
            run.finish()

    def _run(self, name: str, group: str | None, kind: str, folder: Path, config: Mapping[str, Any]) -> Any:
        """A wandb run whose files lie in `folder`."""
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        with told_as_ours("the run could not begin, and"):
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
    """A wandb run of one cell; with a `store` it has the figures of that cell alone, training curves from there."""

    def __init__(self, run: Any, store: Path | None = None) -> None:
        self._run, self._store = run, store
        self._sent: set[tuple[str, float, bool]] = set()  # trainings, steps, and whether with a loss
        self._fault: LabradorError | None = None

    def curve(self, training: str, entry: Mapping[str, float]) -> None:
        name = f"train/{slug(training)}"
        point = name, entry["step"], "loss" in entry
        if point in self._sent or self._fault is not None:
            return
        try:
            with told_as_ours(f"the curve of {training}"):
                if not any(sent == name for sent, *_ in self._sent):
                    self._run.define_metric(f"{name}/step", hidden=True)
                    self._run.define_metric(f"{name}/*", step_metric=f"{name}/step")
                self._run.log({f"{name}/{key}": value for key, value in entry.items()})
        except LabradorError as error:  # the training goes on; told when the result is on disk
            log.warning("%s", error)
            self._fault = error
        self._sent.add(point)

    def finish(self, row: ResultRow, folder: Path) -> None:
        with told_as_ours(f"the result in {folder}"):
            self._run.config.update({"keys": row.keys, "commit": row.commit})
            drawn = {} if self._store is None else figures({folder / FILE_NAME: row}, folder, self._store)
            self._run.log({**summary(row), "result": table([row]), **drawn})
            self._run.summary.update(summary(row))
            self._run.finish()
        if self._fault is not None:
            raise self._fault

    def fail(self) -> None:
        try:
            with told_as_ours("the end of a cell that failed"):
                self._run.finish(exit_code=1)
        except LabradorError as error:  # why the cell failed is what will be told
            log.warning("%s", error)


def summary(row: ResultRow) -> dict[str, float]:
    """The numbers of a row that reports show, by column: "MRR@10", "bytes_per_passage", "latency_ms.p50", ..."""
    return {name: value for name, value in row.flat(*SHOWN).items() if isinstance(value, (int, float))}


def table(rows: Sequence[ResultRow]) -> Any:
    """The rows as a wandb.Table: all that reports show, and what the command line set."""
    import wandb

    lines = [row.flat(*SHOWN, "settings", "disturbed", "commit") for row in rows]
    heads = list(dict.fromkeys(head for line in lines for head in line))
    return wandb.Table(columns=heads, data=[[line.get(head) for head in heads] for line in lines])


def figures(rows: Mapping[Path, ResultRow], folder: Path, store: Path) -> dict[str, Any]:
    """The report's figures of the rows, written into folder/figures, as images by their names."""
    import wandb

    from .report.figures import write_figures
    from .report.systems import systems

    files, notes = write_figures(systems(rows), folder / "figures", store)
    for note in notes:
        log.debug("%s", note)
    return {f"figures/{file.stem}": wandb.Image(str(file)) for file in files if file.suffix == ".png"}


def slug(name: str) -> str:
    """The name of a training as part of a metric's: "bidr, global" becomes "bidr-global"."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")


@contextmanager
def told_as_ours(what: str) -> Any:
    """wandb's own errors, and those of the network and the disk, as one line."""
    import wandb

    try:
        yield
    except (wandb.Error, OSError, RuntimeError, ValueError) as error:
        raise LabradorError(
            f"tracker=wandb: {what} was not sent ({' '.join(str(error).split()) or type(error).__name__}); run it "
            "again, or use tracker.mode=offline or tracker=none"
        ) from error


Curve = Callable[[str, Mapping[str, float]], None]  # Session.curve
