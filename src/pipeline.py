"""A composed config becomes components, the components a result row.

config -> data, encoder, sampler, quantizer, search, retriever -> Lab -> ranking -> scores -> result.json
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from .chosen import chosen
from .composed import GROUPS, Composed, compose
from .data.prepare import prepare
from .errors import LabradorError
from .lab import Bench, Lab
from .machine import processes
from .machine.devices import SETTINGS, Device, chosen_device, pick_device
from .machine.gpus import Lease
from .metrics.scores import METRICS
from .report.table import print_rows
from .result import leave, row_of
from .results import ResultRow
from .retrievers.base import Retriever
from .settings import build
from .store import Store
from .tracker import NoTracker, Session, TrackedCell

log = logging.getLogger(__name__)

RUN_SETTINGS = "labrador.pipeline.RunSettings"
OWN = ("seed", "store", "device")  # settings outside the groups


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


def run_cell(config: DictConfig, folder: Path, sweep: Path | None = None) -> ResultRow | None:
    """Run one cell, of a `sweep` or by itself, and write its result into `folder`.

    Returns its row; None in all but the main process.
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
        tracked = _tracked(composed, config, folder, sweep)
        try:
            row = _measured(composed, run, Device(device, gpu), tracked, folder)
        except BaseException:
            tracked.fail()
            raise
    if row is not None:
        tracked.finish(row, folder)
        log.info("%.1f s; result.json, run.trec and per_query.parquet are in %s", time.perf_counter() - start, folder)
    return row


def _tracked(composed: Composed, config: DictConfig, folder: Path, sweep: Path | None) -> Session:
    """The tracker's session of a cell, begun; in all but the main process one that keeps nothing."""
    if not processes.is_main():
        return Session()
    group = None if sweep is None else str(sweep)
    names = composed.options
    tracker: NoTracker = composed.parts["tracker"]
    name = " ".join(str(part) for part in (names["retriever"], names["quantizer"], names["search"], config["seed"]))
    settings: Any = OmegaConf.to_container(config, resolve=True)
    return tracker.start(TrackedCell(name, group, folder, {"chosen": dict(names), **settings}))


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
    bench = Bench(store, corpus, parts["train"], run.seed, device.name, device.gpu, tracked.curve)
    lab = Lab(bench)
    ranking = retriever.rank(lab, parts["quantizer"], parts["search"], split)
    metrics = (*METRICS, *parts["data"].also_scored)
    scores = lab.score(ranking, split, f"{options['retriever']}-{options['quantizer']}", metrics)
    if not processes.is_main():
        return None
    row = row_of(bench, ranking, scores, parts["data"], chosen(composed, retriever.unused(parts["search"])))
    leave(row, scores, folder)
    print_rows([row])
    return row
