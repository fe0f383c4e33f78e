"""The figures of a report: one set for each group of systems that were measured on the same questions.

    GROUP-quality-bytes, GROUP-quality-latency   quality against cost, with the Pareto front    (tradeoff.py, pareto.py)
    GROUP-recall                                 recall at growing depth                        (recall.py)
    GROUP-gains                                  gains and losses against a baseline            (gains.py)
    GROUP-training                               training curves, from the store                (training.py)

Each as SVG and PNG. matplotlib takes a second to import, so this package is imported where figures are asked for.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ...errors import LabradorError
from ..groups import Group, groups, telling
from ..systems import PER_QUERY, System
from . import gains, recall, tradeoff, training
from .style import save, styled

MOST = 7  # systems that one figure tells apart by colour and line


def write_figures(
    systems: Sequence[System],
    folder: Path,
    store: Path,
    baselines: Sequence[System] = (),
    metrics: Sequence[str] = (),
) -> tuple[list[Path], list[str]]:
    """Write the figures of `systems` into `folder`; returns the files and, a line each, what was left out and why.

    baselines: systems to compare others on the same data with; metrics: the quality shown is the first of them that a
    group can tell, of all its metrics where none is named; a group that can tell none is left out.
    Raises LabradorError when the folder cannot be written, or a file beside a result cannot be read.
    """
    files: list[Path] = []
    shown, notes = telling(groups(systems), metrics)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with styled():
            for group, metric in shown:
                for name, figure in _figures(group, store, group.chosen(baselines), metric, notes):
                    files += save(figure, folder, f"{group.slug}-{name}")
    except OSError as error:
        raise LabradorError(f"{folder}: cannot be written ({error.strerror}); name another folder") from error
    return files, notes


def _figures(
    group: Group, store: Path, baseline: System | None, metric: str, notes: list[str]
) -> list[tuple[str, Figure]]:
    """The names and figures of one group; adds to `notes` what is left out."""
    named = outstanding(group, metric)
    made: list[tuple[str, Figure | None]] = []
    for cost in tradeoff.COSTS:
        drawn = tradeoff.draw(group, cost, metric)
        made.append((f"quality-{cost.slug}", drawn[0] if drawn else None))
        if drawn and drawn[1]:
            notes.append(f"{group.slug}-quality-{cost.slug}: no place for the names of {'; '.join(drawn[1])}")
    told = [baseline] if baseline and baseline not in named else []
    made.append(("recall", recall.draw(group, [*told, *named][:MOST], baseline)))
    made.append(("gains", _gains(group, named, baseline, metric, notes)))
    made.append(("training", _training(group, store, notes)))
    return [(name, figure) for name, figure in made if figure is not None]


def outstanding(group: Group, metric: str) -> list[System]:
    """At most MOST systems to tell apart, the best first: the Pareto front of quality and bytes, then each retriever's
    best; of a group with as few systems all of them.
    """
    shown = tradeoff.points(group, tradeoff.COSTS[0], metric)
    ranked = sorted(shown, key=lambda point: -point.quality)
    best = tradeoff.best_of(shown)[::-1]
    if len(best) > MOST:
        best = [best[round(i * (len(best) - 1) / (MOST - 1))] for i in range(MOST)]
    of_retriever = {point.system.rows[0].retriever: point for point in reversed(ranked)}
    chosen = [*best, *of_retriever.values(), *(ranked if len(group.systems) <= MOST else [])]
    labels = list(dict.fromkeys(point.system.label for point in chosen))[:MOST]
    return [point.system for point in ranked if point.system.label in labels]


def _gains(
    group: Group, named: Sequence[System], baseline: System | None, metric: str, notes: list[str]
) -> Figure | None:
    if baseline is None:
        notes.append(f"{group.slug}-gains: left out, it needs --baseline with one of its systems")
        return None
    missing = [file for s in [*named, baseline] for file in s.files if not file.with_name(PER_QUERY).exists()]
    if missing:
        notes.append(f"{group.slug}-gains: left out, {PER_QUERY} is not beside {missing[0]}")
        return None
    return gains.draw(group, named, baseline, metric)


def _training(group: Group, store: Path, notes: list[str]) -> Figure | None:
    found, missing = training.curves(group.systems, store)
    if missing:
        notes.append(
            f"{group.slug}-training: {missing} of {missing + len(found)} trainings are not in the store {store} "
            "(--store names another)"
        )
    return training.draw(found)
