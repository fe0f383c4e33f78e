"""One cell in whatever process runs it. One that fails in a sweep leaves its reason in `failed.txt`; the others go on.

Launchers such as joblib, submitit and ray run cells in other processes or on other machines, which share only the
sweep's folder with the process that started the sweep. That process reads each cell's `failed.txt` there at the end and
reports it.
"""

import logging
import re
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from .. import pipeline
from ..machine import processes
from ..results import FILE_NAME
from .messages import fault_of

log = logging.getLogger(__name__)

FAILED = "failed.txt"  # in the folder of a cell that failed: why, on one line
DATED = re.compile(r"(outputs|multirun)(/\d{4}-\d{2}-\d{2})?$")  # folders that Hydra makes for runs


class Sweeps(Callback):
    """Removes a former sweep's failures when a sweep starts in its folder, and writes the folder into the file `note`.

    Hydra makes the callback itself, from the config alone, so the folder reaches `launch` through a file.
    """

    def __init__(self, note: str | None = None) -> None:
        self.note = note

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Called in the process that starts the sweep."""
        folder = Path(str(config.hydra.sweep.dir))
        for file in folder.rglob(FAILED):
            file.unlink()
        if self.note is not None:
            Path(self.note).write_text(str(folder), encoding="utf-8")


def started(note: Path) -> Path | None:
    """The folder of the sweep that was started; None if none was."""
    return Path(note.read_text(encoding="utf-8")) if note.exists() else None


def run_cell(config: DictConfig) -> None:
    """Run one cell. If it fails, a run of one cell ends with exit code 2, and a sweep goes on with its other cells."""
    run = HydraConfig.get()
    folder = Path(run.runtime.output_dir)
    sweep = Path(str(run.sweep.dir)) if run.mode == RunMode.MULTIRUN else None
    try:
        (folder / FILE_NAME).unlink(
            missing_ok=True
        )  # of an earlier run in this folder, whose settings Hydra has overwritten
        pipeline.run_cell(config, folder, sweep)
    except Exception as error:
        fault = fault_of(error)
        together = processes.world_size() > 1  # the others may wait for this one: torchrun ends them with it
        if fault is None:
            if together:
                traceback.print_exc()
                processes.end(1)
            if sweep is None:
                raise
            log.exception("this cell failed, the others go on")
            leave_failure(folder, f"{_brief(error)} (its traceback is in {folder / run.job.name}.log)")
            return
        clear(folder, run.job.name)
        if together:
            processes.end(report([fault]))
        if sweep is None:
            sys.exit(report([fault]))  # no exception that Hydra would print
        leave_failure(folder, fault)
        log.error("this cell failed, the others go on: %s", fault)


def report(faults: Sequence[str]) -> int:
    """Print each fault once; returns the exit code."""
    for fault in dict.fromkeys(faults):
        print(f"error: {fault}", file=sys.stderr)
    return 2 if faults else 0


def leave_failure(folder: Path, why: str) -> None:
    """Write into the folder of a cell why it failed; line breaks become blanks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILED).write_text(" ".join(why.split()) + "\n", encoding="utf-8")


def clear(folder: Path, job: str) -> None:
    """Remove what Hydra wrote into the folder of a cell that failed, then the folder if it is empty.

    So are those above it that Hydra names by the day, outputs/2026-01-31.
    """
    if folder.resolve() == Path.cwd() or (folder / FILE_NAME).exists():  # a result that a tracker did not get
        return
    shutil.rmtree(folder / ".hydra", ignore_errors=True)
    (folder / f"{job}.log").unlink(missing_ok=True)
    for place in (folder, *(parent for parent in folder.parents[:2] if DATED.search(parent.as_posix()))):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def failures(sweep: Path | None) -> list[str]:
    """Why cells below the folder of a sweep failed, in the order of their numbers, each with its folders."""
    files = sweep.rglob(FAILED) if sweep else ()
    where: dict[str, list[str]] = {}
    for file in sorted(files, key=_natural):
        where.setdefault(file.read_text(encoding="utf-8").strip(), []).append(str(file.parent))
    return [f"{why} (in {', '.join(folders)})" for why, folders in where.items()]


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]
