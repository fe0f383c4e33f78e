"""One cell: a composed config becomes components, the components a result row.

config -> data, encoder, sampler, quantizer, search, retriever -> Lab -> ranking -> scores -> result.json
"""

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from .chosen import Chosen, chosen
from .composed import GROUPS, Composed, compose
from .data.base import Source
from .data.prepare import prepare
from .errors import LabradorError, is_disk_full
from .lab import Bench, Lab, Ranking
from .machine import processes
from .machine.devices import Device, chosen_device, pick_device
from .machine.gpus import Lease
from .machine.hardware import this_machine
from .metrics.scores import METRICS
from .report.terminal import print_rows
from .results import FILE_NAME, OPTIONS, ResultRow
from .retrievers.base import Retriever
from .settings import RunSettings, build
from .store import Artifact, Store
from .store.artifact import git_commit
from .tracker import NoTracker, Session, TrackedCell

log = logging.getLogger(__name__)

RUN_SETTINGS = "labrador.settings.RunSettings"


def run_cell(config: DictConfig, folder: Path, sweep: Path | None = None) -> ResultRow | None:
    """Run one cell, of a `sweep` or by itself, and write its result into `folder`.

    Returns its row; None in all but the main process. Raises LabradorError for settings or data that cannot work,
    before any long step.
    """
    start = time.perf_counter()
    own = {str(key): config[key] for key in config if key not in GROUPS}
    run: RunSettings = build("", own | {"_target_": RUN_SETTINGS})
    composed = compose(config)
    retriever: Retriever = composed.parts["retriever"]
    retriever.check(composed.parts["quantizer"], composed.parts["search"])
    composed.parts["tracker"].check()
    device = _device(run, composed)
    with Lease() as gpu, _tracked(composed, config, folder, sweep) as tracked:
        row = _ranked(composed, run, Device(device, gpu), tracked, folder)
    if row is not None:
        tracked.finish(row, folder)
        log.info("%.1f s; result.json, run.trec and per_query.parquet are in %s", time.perf_counter() - start, folder)
    return row


def _device(run: RunSettings, composed: Composed) -> str:
    """Where encoders compute; starts the process group where several processes run the cell."""
    reads_encoder = "encoder" not in composed.parts["retriever"].unused(composed.parts["search"])
    device: str = chosen_device(run.device if reads_encoder else "cpu")
    if processes.world_size() > 1:
        device = str(pick_device(device))
        processes.start(device)
    return device


def _tracked(composed: Composed, config: DictConfig, folder: Path, sweep: Path | None) -> Session:
    """The tracker's session of a cell, started; in all but the main process one that keeps nothing."""
    if not processes.is_main():
        return Session()
    names = composed.options
    tracker: NoTracker = composed.parts["tracker"]
    name = " ".join(str(part) for part in (names["retriever"], names["quantizer"], names["search"], config["seed"]))
    settings: Any = OmegaConf.to_container(config, resolve=True)
    group = None if sweep is None else str(sweep)
    return tracker.start(TrackedCell(name, group, folder, {"chosen": dict(names), **settings}))


def _ranked(composed: Composed, run: RunSettings, device: Device, tracked: Session, folder: Path) -> ResultRow | None:
    """Train, index, search and score; write the result into `folder` (the main process alone, which has the row)."""
    parts, options = composed.parts, composed.options
    retriever, quantizer, search, data = (parts[group] for group in ("retriever", "quantizer", "search", "data"))
    store = Store(Path(run.store).expanduser())
    corpus = prepare(data, store, ("train",) if retriever.learns or quantizer.supervised else ())
    retriever.check_corpus(corpus, quantizer)
    corpus.queries(data.split)  # a missing split is reported before any work
    bench = Bench(store, corpus, parts["train"], run.seed, device.name, device.gpu, tracked.curve)
    lab = Lab(bench)
    ranking = retriever.rank(lab, quantizer, search, data.split)
    metrics = (*METRICS, *data.also_scored)
    scores = lab.score(ranking, data.split, f"{options['retriever']}-{options['quantizer']}", metrics)
    if not processes.is_main():
        return None
    row = row_of(bench, ranking, scores, data, chosen(composed, retriever.unused(search)))
    leave(row, scores, folder)
    print_rows([row])
    return row


def row_of(bench: Bench, ranking: Ranking, scores: Artifact, data: Source, chosen: Chosen) -> ResultRow:
    """The result row of a scored ranking of the queries of `data.split`."""
    corpus, ledger = bench.corpus, bench.ledger
    figures = json.loads((scores.folder / "metrics.json").read_text())
    options: dict[str, Any] = {group: chosen.options.get(group) for group in OPTIONS}
    scored = ("passages", f"queries-{data.split}", f"qrels-{data.split}")
    learned: tuple[str, ...] = ("queries-train", "qrels-train", "negatives-train") if chosen.learned else ()
    if ledger.kept_best:  # by the dev queries
        learned += ("queries-dev", "qrels-dev", "negatives-dev")
    return ResultRow(
        **options,
        data=data.title,
        seed=bench.seed,
        metrics=figures["metrics"],
        queries=figures["queries"],
        passages=len(corpus.passages),
        bytes_per_passage=ranking.bytes_per_passage,
        index_bytes=ranking.index_bytes,
        disk_bytes=ranking.disk_bytes,
        **ranking.cost,  # latency_ms, qps, threads, device, disturbed
        seconds=dict(ledger.seconds()),
        keys=ledger.keys(corpus),
        drawn=ledger.drawn(corpus),
        commit=git_commit(),
        settings=dict(chosen.settings),
        components=dict(chosen.components),
        labels=ledger.reported.get("labels"),
        data_fingerprint=corpus.digest(*scored),
        trained_on=corpus.digest(*learned) if learned else None,
        machine=asdict(this_machine(bench.device if bench.device != "cpu" else ranking.cost["device"])),
    )


def leave(row: ResultRow, scores: Artifact, folder: Path) -> None:
    """Write the result of a cell into its folder, all or nothing; raises LabradorError when the disk is full."""
    files = ("run.trec", "per_query.parquet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            scores.place(name, folder)
        row.write(folder / FILE_NAME)
    except OSError as error:
        if not is_disk_full(error):
            raise
        for name in (FILE_NAME, *files):
            (folder / name).unlink(missing_ok=True)
        raise LabradorError(f"{folder}: the disk is full; free some space, then run again") from error
