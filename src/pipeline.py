"""A composed config becomes components, the components a result row. The only file of the package that knows Hydra.

config -> data, encoder, sampler, quantizer, search, retriever -> Lab -> ranking -> scores -> result.json
"""

import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from . import processes
from .components import build
from .data.base import Source
from .data.prepare import prepare
from .devices import pick_device
from .errors import LabradorError
from .lab import Lab, Ranking
from .metrics.scores import METRICS
from .report.rows import ResultRow
from .report.table import print_rows
from .retrievers.base import Retriever
from .store import Store
from .store.artifact import git_commit

log = logging.getLogger(__name__)

NAMED = ("retriever", "quantizer", "sampler", "search", "data", "encoder")  # groups whose choice a row tells
GROUPS = ("data", "encoder", "train", "sampler", "quantizer", "search", "retriever")


def launch(conf: Path) -> int:
    """Compose the command line with the folder `conf` and run its cell or, with -m, its matrix.

    Returns the exit code: 2 when a cell or the command line was at fault (told in one line each), else 0.
    """
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing its own traceback
    if not processes.is_main():  # only the main process writes a run folder
        sys.argv += [
            "hydra.output_subdir=null",
            "hydra.run.dir=.",
            "hydra.sweep.dir=.",
            "hydra.sweep.subdir=.",
            "hydra/job_logging=disabled",
        ]
    faults: list[str] = []

    def cell(config: DictConfig) -> None:
        folder = Path(HydraConfig.get().runtime.output_dir)
        try:
            run_cell(config, folder)
        except LabradorError as error:
            faults.append(str(error))
            _clear(folder)
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                log.error("this cell failed, the others go on: %s", error)

    try:
        hydra.main(version_base="1.3", config_path=str(conf), config_name="config")(cell)()
    except (HydraException, OmegaConfBaseException) as error:
        faults.append(_composition_fault(error))
    for fault in dict.fromkeys(faults):
        print(f"error: {fault}", file=sys.stderr)
    return 2 if faults else 0


def run_cell(config: DictConfig, folder: Path) -> ResultRow | None:
    """Run one cell and write its result into `folder`; returns its row (None in all but the main process).

    Raises LabradorError for settings or data that cannot work, before any long step.
    """
    start = time.perf_counter()
    settings: dict[str, Any] = {name: OmegaConf.to_container(config[name], resolve=True) for name in GROUPS}
    parts = {name: build(name, settings[name]) for name in GROUPS if name != "retriever"}
    retriever = build("retriever", settings["retriever"], encoder=parts["encoder"], sampler=parts["sampler"])
    processes.start()
    corpus = prepare(parts["data"], Store(Path(config.store)), config.seed)
    lab = Lab(Store(Path(config.store)), corpus, parts["train"], config.seed, str(pick_device(config.device)))
    retriever.check(lab, parts["quantizer"], parts["search"])
    split = parts["data"].split
    corpus.queries(split)  # a split that is not there is told before any work
    ranking = retriever.rank(lab, parts["quantizer"], parts["search"], split)
    if not processes.is_main():
        return None
    row = _finish(config, lab, ranking, parts["data"], retriever, folder)
    print_rows([row])
    log.info("%.1f s; result.json, run.trec and per_query.parquet are in %s", time.perf_counter() - start, folder)
    return row


def _finish(
    config: DictConfig, lab: Lab, ranking: Ranking, data: Source, retriever: Retriever, folder: Path
) -> ResultRow:
    """Score the ranking, copy its files into the run's folder and write result.json."""
    choices = HydraConfig.get().runtime.choices
    names = {name: str(choices[name]) for name in NAMED}
    tag = f"{names['retriever']}-{names['quantizer']}"
    scores = lab.score(ranking, data.split, tag, (*METRICS, *data.also_scored))
    figures = json.loads((scores.folder / "metrics.json").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("run.trec", "per_query.parquet"):
        shutil.copyfile(scores.folder / name, folder / name)
    part_names: dict[str, Any] = {name: None if name in retriever.ignores else names[name] for name in NAMED}
    row = ResultRow(
        **part_names,
        seed=config.seed,
        metrics=figures["metrics"],
        queries=figures["queries"],
        passages=len(lab.corpus.passages),
        bytes_per_passage=ranking.bytes_per_passage,
        index_bytes=ranking.index_bytes,
        disk_bytes=ranking.disk_bytes,
        **ranking.cost,
        seconds=dict(lab.seconds()),
        keys=lab.keys(),
        commit=git_commit(),
        settings=_settings(HydraConfig.get().overrides.task),
    )
    row.write(folder / "result.json")
    return row


def _settings(overrides: Iterable[str]) -> dict[str, str]:
    """What the command line set besides the choice of components: {"quantizer.bits": "64"}."""
    pairs = (override.lstrip("+").split("=", 1) for override in overrides if "=" in override)
    return {key: value for key, value in pairs if key not in (*GROUPS, "seed", "store", "device", "data.path")}


def _clear(folder: Path) -> None:
    """Remove what Hydra wrote into the folder of a cell that failed, and the folder if nothing else is in it."""
    shutil.rmtree(folder / ".hydra", ignore_errors=True)
    for log_file in folder.glob("*.log"):
        log_file.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _composition_fault(error: Exception) -> str:
    """Hydra's or OmegaConf's complaint about the command line in one line, with the settings that are allowed."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    line = " ".join(str(error).split())
    parent = getattr(cause, "parent_node", None)
    if isinstance(parent, DictConfig):
        line += f"; settings there: {', '.join(str(key) for key in parent if key != '_target_')}"
    return line
