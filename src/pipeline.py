"""A composed config becomes components, the components a result row. The only file of the package that knows Hydra.

config -> data, encoder, sampler, quantizer, search, retriever -> Lab -> ranking -> scores -> result.json
"""

import logging
import os
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from .chosen import chosen
from .composed import GROUPS, Composed, compose
from .data.prepare import prepare
from .errors import LabradorError
from .lab import Lab
from .launcher.cells import forced
from .launcher.overrides import is_sweep, readable
from .launcher.sweeps import (
    AGAIN,
    Sweeps,
    clear,
    composition_fault,
    failures,
    interpolation_fault,
    leave_failure,
    outer_fault,
    refused,
)
from .machine import processes
from .machine.devices import SETTINGS, Device, chosen_device, pick_device
from .machine.gpus import Lease
from .metrics.scores import METRICS
from .report.table import print_rows
from .result import leave, row_of
from .results import FILE_NAME, ResultRow
from .retrievers.base import Retriever
from .settings import build
from .store import Store
from .tracker import NoTracker, Session, Told

log = logging.getLogger(__name__)

RUN_SETTINGS = "labrador.pipeline.RunSettings"
OWN = ("seed", "store", "device")  # settings outside the groups
_faults: list[str] = []  # of the command line, or of a cell that is not one of a sweep
COMPOSITION = (HydraException, OmegaConfBaseException, ValueError, YAMLError)  # of a command line that is wrong


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings outside the groups."""

    seed: int
    store: str
    device: str

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise LabradorError(f"seed={self.seed}: a number from 0 to {2**32 - 1} was expected")
        if not self.store.strip():
            raise LabradorError("store=: expected a folder; use store=artifacts")
        if self.device not in SETTINGS:
            raise LabradorError(
                f"device={self.device}: expected one of {', '.join(SETTINGS)}; choose a GPU with CUDA_VISIBLE_DEVICES"
            )


def launch(conf: Path) -> int:
    """Compose the command line with the folder `conf` and run its cell or, with -m, its matrix.

    Returns the exit code: 2 when a cell or the command line was at fault (told in one line each), 130 when
    interrupted, else 0.
    """
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a log that the disk has no room for ends no run, and prints no traceback
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing its own traceback
    Sweeps.folder = None
    _faults.clear()
    sys.argv[1:] = readable(sys.argv[1:])
    if is_sweep(sys.argv):
        sys.argv[1:] = forced(sys.argv[1:], GROUPS)
    with tempfile.TemporaryDirectory() as unused:
        if not processes.is_main():  # only the main process writes a run folder
            sys.argv += [f"hydra.run.dir={unused}", f"hydra.sweep.dir={unused}", "hydra/job_logging=disabled"]
        try:
            hydra.main(version_base="1.3", config_path=str(conf), config_name="config")(cell)()
            compare()
        except LabradorError as error:
            _faults.append(str(error))
        except KeyboardInterrupt:
            print(f"interrupted; {AGAIN}", file=sys.stderr)
            return 130
        except Exception as error:
            if (fault := outer_fault(error)) is not None:
                _faults.append(fault)
            elif isinstance(error, COMPOSITION) and not HydraConfig.initialized():
                _faults.append(composition_fault(error))
            else:
                raise
    return _told([*(failures(Sweeps.folder) if Sweeps.folder else []), *_faults])


def cell(config: DictConfig) -> None:
    """Run one cell in whatever process a launcher gives it. In a sweep one that fails is told, and the others go on."""
    run = HydraConfig.get()
    folder = Path(run.runtime.output_dir)
    alone = run.mode != RunMode.MULTIRUN
    try:
        (folder / FILE_NAME).unlink(missing_ok=True)  # of a former run here, whose settings Hydra has overwritten
        run_cell(config, folder)
    except Exception as error:
        fault = _fault(error)
        if fault is not None:
            clear(folder, run.job.name)
            if processes.world_size() > 1:  # the others may wait for this one: torchrun ends them with it
                processes.end(_told([fault]))
            if alone:
                _faults.append(fault)  # not raised: Hydra would print more than that
                return
            leave_failure(folder, fault)
            log.error("this cell failed, the others go on: %s", fault)
            return
        if processes.world_size() > 1:
            traceback.print_exc()
            processes.end(1)
        if alone:
            raise
        log.exception("this cell failed, the others go on")
        where = folder / f"{run.job.name}.log"
        leave_failure(
            folder, f"{type(error).__name__}: {' '.join(str(error).split())[:200]} (its traceback is in {where})"
        )


def _fault(error: Exception) -> str | None:
    """What to say of an error that is a fault of the settings, the data or the machine; None for any other."""
    if isinstance(error, OmegaConfBaseException):
        return interpolation_fault(error)
    return str(error) if isinstance(error, LabradorError) else refused(error)


def compare() -> None:
    """After a sweep, give its results to the tracker together."""
    if Sweeps.folder is not None and Sweeps.config is not None and processes.is_main():
        settings: Any = OmegaConf.to_container(Sweeps.config["tracker"], resolve=True)
        build("tracker", settings).compare(Sweeps.folder, Path(Sweeps.config["store"]).expanduser())


def _told(faults: list[str]) -> int:
    """Print each fault once; returns the exit code."""
    for fault in dict.fromkeys(faults):
        print(f"error: {fault}", file=sys.stderr)
    return 2 if faults else 0


def run_cell(config: DictConfig, folder: Path) -> ResultRow | None:
    """Run one cell and write its result into `folder`; returns its row (None in all but the main process).

    Raises LabradorError for settings or data that cannot work, before any long step.
    """
    start = time.perf_counter()
    unknown = [str(key) for key in config if key not in (*OWN, *GROUPS)]
    if unknown:
        raise LabradorError(f"{unknown[0]}={config[unknown[0]]}: no such setting; expected one of {', '.join(OWN)}")
    run = build("", {key: config[key] for key in OWN} | {"_target_": RUN_SETTINGS})
    composed = compose(config)
    parts = composed.parts
    retriever: Retriever = parts["retriever"]
    retriever.check(parts["quantizer"], parts["search"])
    parts["tracker"].check()
    reads_encoder = "encoder" not in retriever.unused(parts["search"])
    device: str = chosen_device(run.device if reads_encoder else "cpu")
    if processes.world_size() > 1:
        device = str(pick_device(device))
        processes.start(device)
    with Lease() as gpu:
        tracked = _tracked(composed, config, folder)
        try:
            row = _measured(composed, run, Device(device, gpu), tracked, folder)
        except BaseException:
            tracked.fail()
            raise
    if row is not None:
        tracked.finish(row, folder)
        log.info("%.1f s; result.json, run.trec and per_query.parquet are in %s", time.perf_counter() - start, folder)
    return row


def _tracked(composed: Composed, config: DictConfig, folder: Path) -> Session:
    """The tracker's session of a cell, begun; in all but the main process one that keeps nothing."""
    if not processes.is_main():
        return Session()
    run = HydraConfig.get()
    group = str(run.sweep.dir) if run.mode == RunMode.MULTIRUN else None
    names = composed.options
    tracker: NoTracker = composed.parts["tracker"]
    name = " ".join(str(part) for part in (names["retriever"], names["quantizer"], names["search"], config["seed"]))
    settings: Any = OmegaConf.to_container(config, resolve=True)
    return tracker.start(Told(name, group, folder, {"chosen": dict(names), **settings}))


def _measured(composed: Composed, run: RunSettings, device: Device, tracked: Session, folder: Path) -> ResultRow | None:
    """Train, index, search and score; writes the result into `folder` (the main process alone, which has the row)."""
    parts, options = composed.parts, composed.options
    retriever: Retriever = parts["retriever"]
    store = Store(Path(run.store).expanduser())
    learns = retriever.learns or parts["quantizer"].supervised
    corpus = prepare(parts["data"], store, ("train",) if learns else ())
    retriever.check_corpus(corpus, parts["quantizer"])
    split = parts["data"].split
    corpus.queries(split)  # a split that is not there is told before any work
    lab = Lab(store, corpus, parts["train"], run.seed, device.name, device.gpu)
    lab.watch = tracked.curve
    ranking = retriever.rank(lab, parts["quantizer"], parts["search"], split)
    metrics = (*METRICS, *parts["data"].also_scored)
    scores = lab.score(ranking, split, f"{options['retriever']}-{options['quantizer']}", metrics)
    if not processes.is_main():
        return None
    row = row_of(lab, ranking, scores, parts["data"], chosen(composed, retriever.unused(parts["search"])))
    leave(row, scores, folder)
    print_rows([row])
    return row
