"""`launch`: compose the command line with Hydra, run its cells, report what failed."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from omegaconf import OmegaConf

from ..composed import GROUPS
from ..machine import processes
from ..settings import build
from .cells import forced
from .messages import AGAIN, outer_fault
from .overrides import SWEEPS, is_sweep, quoted, readable
from .sweeps import failures, report, run_cell, started


def launch(conf: Path) -> int:
    """Compose the command line with the folder `conf` and run its cell or, with -m, its sweep.

    Returns the exit code: 2 when the command line or a cell was at fault (reported on one line each), 130 when
    interrupted, else 0.
    """
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    logging.raiseExceptions = False  # on a full disk a log line is lost, without a traceback
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing its own traceback
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        note = Path(scratch) / "sweep.txt"
        try:
            with command_line(_arguments(sys.argv[1:], conf, Path(scratch), note)):
                hydra.main(version_base="1.3", config_path=str(conf), config_name="config")(run_cell)()
            compare(started(note))
        except KeyboardInterrupt:
            print(f"interrupted; {AGAIN}", file=sys.stderr)
            return 130
        except SystemExit as end:  # of a run of one cell that failed, or of Hydra's own options
            return int(end.code or 0)
        except Exception as error:
            fault = outer_fault(error)
            if fault is None:
                raise
            faults.append(fault)
        return report([*failures(started(note)), *faults])


def _arguments(typed: Sequence[str], conf: Path, scratch: Path, note: Path) -> list[str]:
    """What Hydra is given for what was typed."""
    arguments = readable(typed, conf)
    if is_sweep(arguments):
        settings = [argument for argument in arguments if argument not in SWEEPS]  # wherever -m stands
        arguments = ["-m", *forced(settings, GROUPS), f"hydra.callbacks.sweeps.note={quoted(str(note))}"]
    if not processes.is_main():  # only the main process writes a run folder
        unused = quoted(str(scratch))
        arguments += [f"hydra.run.dir={unused}", f"hydra.sweep.dir={unused}", "hydra/job_logging=disabled"]
    return arguments


@contextmanager
def command_line(arguments: Sequence[str]) -> Iterator[None]:
    """Put `arguments` into sys.argv, the only place where `hydra.main` looks for them."""
    typed = sys.argv[:]
    sys.argv[1:] = arguments
    try:
        yield
    finally:
        sys.argv[:] = typed


def compare(sweep: Path | None) -> None:
    """Give the tracker all results of a sweep that has ended; raises LabradorError for what could not be sent."""
    if sweep is not None and processes.is_main():
        config: Any = OmegaConf.load(sweep / "multirun.yaml")  # which Hydra writes
        settings: Any = OmegaConf.to_container(config["tracker"], resolve=True)
        build("tracker", settings).compare(sweep, Path(config["store"]).expanduser())
