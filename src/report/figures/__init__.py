"""The figures of a report: one set for each group of systems that were scored on the same queries.

    GROUP-quality-bytes, -index, -latency   quality against a cost, with the Pareto front     (tradeoff.py, pareto.py)
    GROUP-recall                            recall at increasing depth                        (recall.py)
    GROUP-gains                             gains and losses relative to a baseline, by query (gains.py)
    GROUP-training                          training curves, from the store                   (training.py)

Each as SVG and PNG. matplotlib takes a second to import, so this package is imported only when figures are wanted.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ...errors import LabradorError
from ..costs import costs
from ..groups import Group, groups, with_metric
from ..per_query import PER_QUERY
from ..systems import System
from . import gains, recall, tradeoff, training
from .style import save, styled

MOST = 7  # systems that one figure distinguishes by colour and line


def write_figures(
    systems: Sequence[System],
    folder: Path,
    store: Path,
    baselines: Sequence[System] = (),
    metrics: Sequence[str] = (),
) -> tuple[list[Path], list[str]]:
    """Write the figures of `systems` into `folder`; returns the files and a line on each figure that was left out.

    baselines: systems to compare others on the same data with; metrics: the quality shown is the first of them that a
    group has (empty = of all metrics); a group that has none is left out. Raises LabradorError if the folder cannot be
    written, or a run's file cannot be read.
    """
    files: list[Path] = []
    shown, notes = with_metric(groups(systems), metrics)
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
    """The figures of one group by name; adds to `notes` what is left out."""
    named = outstanding(group, metric)
    made: list[tuple[str, Figure | None]] = []
    for cost in costs():
        drawn = tradeoff.draw(group, cost, metric)
        made.append((f"quality-{cost.slug}", drawn[0] if drawn else None))
        if drawn and drawn[1]:
            notes.append(f"{group.slug}-quality-{cost.slug}: no room for the labels of {'; '.join(drawn[1])}")
    first = [baseline] if baseline and baseline not in named else []
    made.append(("recall", recall.draw(group, [*first, *named][:MOST], baseline)))
    made.append(("gains", _gains(group, named, baseline, metric, notes)))
    made.append(("training", _training(group, store, notes)))
    return [(name, figure) for name, figure in made if figure is not None]


def outstanding(group: Group, metric: str) -> list[System]:
    """At most MOST systems to distinguish, the best first: the Pareto front of quality and bytes, then each
    retriever's best; all systems of a group that is small enough.
    """
    shown = tradeoff.points(group, costs()[0], metric)
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
        notes.append(f"{group.slug}-gains: left out, since it needs a --baseline among its systems")
        return None
    missing = [file for s in [*named, baseline] for file in s.files if not file.with_name(PER_QUERY).exists()]
    if missing:
        notes.append(f"{group.slug}-gains: left out, since there is no {PER_QUERY} next to {missing[0]}")
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
