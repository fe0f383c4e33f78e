"""The result of a run: its row, and the files that are left in its folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .chosen import Chosen
from .data.base import Source
from .errors import LabradorError, is_disk_full
from .lab import Bench, Ranking
from .machine.hardware import this_machine
from .results import OPTIONS, ResultRow
from .store import Artifact
from .store.artifact import git_commit


def row_of(bench: Bench, ranking: Ranking, scores: Artifact, data: Source, chosen: Chosen) -> ResultRow:
    """The result row of a scored ranking of the questions of `data.split`."""
    corpus, ledger = bench.corpus, bench.ledger
    figures = json.loads((scores.folder / "metrics.json").read_text())
    options: dict[str, Any] = {group: chosen.options.get(group) for group in OPTIONS}
    scored = ("passages", f"queries-{data.split}", f"qrels-{data.split}")
    learned: tuple[str, ...] = ("queries-train", "qrels-train", "negatives-train") if chosen.learned else ()
    if ledger.kept_best:  # by the dev questions
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
        **ranking.cost,
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
    """Write the result of a cell into its folder; raises LabradorError when the disk is full."""
    beside = ("run.trec", "per_query.parquet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in beside:
            scores.place(name, folder)
        row.write(folder / "result.json")
    except OSError as error:
        if not is_disk_full(error):
            raise
        for name in ("result.json", ".result.json.partial", *beside):
            (folder / name).unlink(missing_ok=True)
        raise LabradorError(f"{folder}: the disk is full; free some, then run again") from error
