"""A composed config becomes components, the components a result row. The only file of the package that knows Hydra.

config -> data, encoder, sampler, quantizer, search, retriever -> Lab -> ranking -> scores -> result.json
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
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

from . import processes
from .components import build
from .data.prepare import prepare
from .devices import pick_device
from .errors import LabradorError
from .lab import Lab, Ranking
from .metrics.scores import METRICS
from .report.rows import ResultRow
from .report.table import print_rows
from .retrievers.base import Retriever
from .store import Artifact, Store
from .store.artifact import git_commit

log = logging.getLogger(__name__)

NAMED = ("retriever", "quantizer", "sampler", "search", "data", "encoder")  # groups whose choice a row tells
RUN_SETTINGS = "labrador.pipeline.RunSettings"
GROUPS = ("data", "encoder", "train", "sampler", "quantizer", "search", "retriever")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings outside the groups."""

    seed: int
    store: str
    device: str

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise LabradorError(f"seed={self.seed}: a number from 0 to {2**32 - 1} was expected")


def launch(conf: Path) -> int:
    """Compose the command line with the folder `conf` and run its cell or, with -m, its matrix.

    Returns the exit code: 2 when a cell or the command line was at fault (told in one line each), 130 when
    interrupted, else 0.
    """
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing its own traceback
    faults: list[str] = []
    composed = False

    def cell(config: DictConfig) -> None:
        nonlocal composed
        composed = True
        try:
            run_cell(config, Path(HydraConfig.get().runtime.output_dir))
        except LabradorError as error:
            faults.append(str(error))
            _clear()
            if processes.world_size() > 1:  # the other processes may wait for this one: torchrun ends them with it
                sys.exit(_told(faults))
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                log.error("this cell failed, the others go on: %s", error)

    sys.argv[1:] = swept_settings(sys.argv[1:])
    with tempfile.TemporaryDirectory() as unused:
        if not processes.is_main():  # only the main process writes a run folder
            sys.argv += [f"hydra.run.dir={unused}", f"hydra.sweep.dir={unused}", "hydra/job_logging=disabled"]
        try:
            hydra.main(version_base="1.3", config_path=str(conf), config_name="config")(cell)()
        except (HydraException, OmegaConfBaseException, ValueError, YAMLError) as error:
            if composed:
                raise
            faults.append(_composition_fault(error))
        except KeyboardInterrupt:
            print("interrupted; started again, it continues from what is finished", file=sys.stderr)
            return 130
    return _told(faults)


def swept_settings(arguments: list[str]) -> list[str]:
    """The command line with `group.key=value` as `++group.key=value` where several options of the group are swept.

    Hydra checks such a setting against the default option, before it looks at the swept ones. Forced in, it is checked
    by every cell's own component.
    """
    choices = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    swept = tuple(f"{group}." for group in GROUPS if "," in choices.get(group, ""))
    return [f"++{argument}" if swept and argument.startswith(swept) else argument for argument in arguments]


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
    run = build("", {key: config[key] for key in ("seed", "store", "device")} | {"_target_": RUN_SETTINGS})
    settings: dict[str, Any] = {name: OmegaConf.to_container(config[name], resolve=True) for name in GROUPS}
    parts = {name: build(name, settings[name]) for name in GROUPS if name != "retriever"}
    retriever: Retriever = build("retriever", settings["retriever"], encoder=parts["encoder"], sampler=parts["sampler"])
    retriever.check(parts["quantizer"], parts["search"])
    device = str(pick_device(run.device))
    processes.start(device)
    store = Store(Path(run.store))
    corpus = prepare(parts["data"], store, run.seed)
    retriever.check_corpus(corpus, parts["quantizer"])
    split = parts["data"].split
    corpus.queries(split)  # a split that is not there is told before any work
    lab = Lab(store, corpus, parts["train"], run.seed, device)
    ranking = retriever.rank(lab, parts["quantizer"], parts["search"], split)
    names = {name: str(HydraConfig.get().runtime.choices[name]) for name in NAMED}
    metrics = (*METRICS, *parts["data"].also_scored)
    scores = lab.score(ranking, split, f"{names['retriever']}-{names['quantizer']}", metrics)
    if not processes.is_main():
        return None
    unused = retriever.unused(parts["search"])
    row = _row(lab, ranking, scores, run.seed, {n: c for n, c in names.items() if n not in unused})
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("run.trec", "per_query.parquet"):
        shutil.copyfile(scores.folder / name, folder / name)
    row.write(folder / "result.json")
    print_rows([row])
    log.info("%.1f s; result.json, run.trec and per_query.parquet are in %s", time.perf_counter() - start, folder)
    return row


def _row(lab: Lab, ranking: Ranking, scores: Artifact, seed: int, names: dict[str, str]) -> ResultRow:
    """The result row of a scored ranking; `names` are the options that had a part in it."""
    figures = json.loads((scores.folder / "metrics.json").read_text())
    choices: dict[str, Any] = {name: names.get(name) for name in NAMED}
    return ResultRow(
        **choices,
        seed=seed,
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
        labels=lab.reported.get("labels"),
    )


def _settings(overrides: Iterable[str]) -> dict[str, str]:
    """What the command line set besides the choice of components: {"quantizer.bits": "64"}."""
    pairs = (override.lstrip("+").split("=", 1) for override in overrides if "=" in override)
    return {key: value for key, value in pairs if key not in (*GROUPS, "seed", "store", "device", "data.path")}


def _clear() -> None:
    """Remove what Hydra wrote into the folder of a cell that failed, and the folder if nothing else is in it."""
    run = HydraConfig.get()
    folder = Path(run.runtime.output_dir)
    if folder.resolve() == Path.cwd():
        return
    shutil.rmtree(folder / ".hydra", ignore_errors=True)
    (folder / f"{run.job.name}.log").unlink(missing_ok=True)
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
