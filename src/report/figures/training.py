"""Training curves: the loss over the steps of every training that the results are based on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ...errors import LabradorError
from ..systems import TRAININGS, System, step_of
from .style import COLOURS, LINES, panels

CURVE, MANIFEST = "curve.jsonl", "manifest.json"
DEV_RANK = "dev_rank"  # in the points of a curve that have a dev rank instead of a loss


@dataclass(frozen=True)
class Curve:
    """One training: what was trained, and its loss."""

    key: str
    what: str  # "Contrastive, BM25Hard": losses are comparable within one kind of training
    config: dict[str, str]  # the component's fields, "objective.codebooks" -> "48"
    retrievers: tuple[str, ...]  # of the results that use it
    steps: list[int]
    losses: list[float]
    kept: tuple[int, float] | None = None  # the step whose weights were kept, and its dev rank; None = the last


def curves(systems: Sequence[System], store: Path) -> tuple[list[Curve], int]:
    """The curves of the trainings that `systems` use, and how many of these trainings are not in `store`.

    Raises LabradorError if a curve or manifest cannot be read.
    """
    used: dict[tuple[str, str], dict[str, None]] = {}
    for row in (row for system in systems for row in system.rows):
        for name, key in row.keys.items():
            if step_of(name) in TRAININGS:
                used.setdefault((step_of(name), key), {})[row.retriever] = None
    found = []
    for (step, key), retrievers in used.items():
        folder = store / step / key
        if (folder / CURVE).exists() and (folder / MANIFEST).exists():
            found.append(_read(folder, key, step, tuple(retrievers)))
    return found, len(used) - len(found)


def _read(folder: Path, key: str, step: str, retrievers: tuple[str, ...]) -> Curve:
    try:
        config = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["config"]
        points = [json.loads(line) for line in (folder / CURVE).read_text(encoding="utf-8").splitlines()]
        with_loss = [point for point in points if DEV_RANK not in point]
        steps, losses = [int(point["step"]) for point in with_loss], [float(point["loss"]) for point in with_loss]
        kept = min((point for point in points if DEV_RANK in point), key=lambda point: point[DEV_RANK], default=None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabradorError(
            f"{folder}: expected a training curve ({error!r}); check the store with python -m labrador.store verify"
        ) from error
    classes = (config.get(part, {}).get("class", "") for part in ("objective", "sampler"))
    what = ", ".join(filter(None, classes)) if step == "fit" else step
    best = None if kept is None else (int(kept["step"]), float(kept[DEV_RANK]))
    return Curve(key, what, dict(_flat(config, "")), retrievers, steps, losses, best)


def _flat(config: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value)


def draw(found: Sequence[Curve]) -> Figure | None:
    """One panel for each kind of training of the same retrievers; None if no curve has two points."""
    kinds: dict[tuple[str, tuple[str, ...]], list[Curve]] = {}
    for curve in found:
        if len(curve.steps) > 1:
            kinds.setdefault((curve.what, curve.retrievers), []).append(curve)
    if not kinds:
        return None
    figure, axes = panels(len(kinds), 2.1, shared=False)
    for each, ((what, retrievers), curves_there) in zip(axes, kinds.items(), strict=True):
        labels = differing(curves_there)
        for number, (curve, label) in enumerate(zip(curves_there, labels, strict=True)):
            look = {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}
            if curve.kept is not None:
                step, rank = curve.kept
                label = ", ".join(filter(None, (label, f"kept: step {step}, dev rank {rank:.1f}")))
                each.axvline(step, linewidth=0.7, color=look["color"], linestyle=":")
            each.plot(curve.steps, curve.losses, label=label, linewidth=1.1, **look)
        each.set_xlim(left=0)
        each.set_ylim(bottom=0)
        each.set_title(f"{', '.join(retrievers)}\n{what}", fontsize=8)
        if any(labels) or any(curve.kept for curve in curves_there):
            each.legend(fontsize=7, handlelength=2.6)
    figure.supxlabel("step", fontsize=8.5)
    figure.supylabel("training loss", fontsize=8.5)
    return figure


def differing(found: Sequence[Curve]) -> list[str]:
    """What distinguishes each of several curves from the others: "seed 0"; empty for a single one."""
    names = dict.fromkeys(name for curve in found for name in curve.config)
    apart = [name for name in names if len({curve.config.get(name) for curve in found}) > 1]
    return [", ".join(f"{name.rpartition('.')[2]} {curve.config.get(name, '-')}" for name in apart) for curve in found]
