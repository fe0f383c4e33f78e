"""What may be compared: the systems that were scored on the same queries and passages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..results import Data
from .systems import DIGITS, System


@dataclass(frozen=True)
class Group:
    """The systems on one data."""

    name: str  # "beir, 30,000 passages, 2,759 queries"
    slug: str  # begins the names of its files: "beir", or "beir-30000-2759" if two groups are called "beir"
    systems: tuple[System, ...]

    def chosen(self, baselines: Sequence[System]) -> System | None:
        """The one of the `baselines` that is among its systems."""
        return next((system for system in baselines if system in self.systems), None)

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least one of its systems has."""
        names = dict.fromkeys(name for system in self.systems for row in system.rows for name in row.metrics)
        return [name for name in names if any(system.mean(name) is not None for system in self.systems)]

    def metric(self, wanted: Sequence[str]) -> str | None:
        """The first of the `wanted` metrics (empty = all) that any of its systems has."""
        known = self.metrics
        return next((name for name in wanted or known if name in known), None)


def with_metric(found: Sequence[Group], metrics: Sequence[str]) -> tuple[list[tuple[Group, str]], list[str]]:
    """The groups that have one of `metrics` (empty = any), with the first of those; a note on each other group."""
    first = [(group, group.metric(metrics)) for group in found]
    wanted = " or ".join(metrics) or "any metric"
    notes = [f"{group.slug}: left out, none of its systems has {wanted}" for group, metric in first if metric is None]
    return [(group, metric) for group, metric in first if metric is not None], notes


def groups(systems: Sequence[System]) -> list[Group]:
    """The systems by the data they were scored on, in the order given; data with several names has the first."""
    by_data: dict[Data, list[System]] = {}
    for system in systems:
        by_data.setdefault(system.data, []).append(system)
    titles, slugs = _titles(list(by_data)), _slugs(list(by_data))
    return [
        Group(title, slug, tuple(found)) for title, slug, found in zip(titles, slugs, by_data.values(), strict=True)
    ]


def _titles(data: Sequence[Data]) -> list[str]:
    """Name and sizes of each, with the beginning of its key if two have the same."""
    titles = [f"{each.name}, {each.passages:,} passages, {each.queries:,} queries" for each in data]
    return [
        title if titles.count(title) == 1 else f"{title}, {each.key[:DIGITS]}"
        for title, each in zip(titles, data, strict=True)
    ]


def _slugs(data: Sequence[Data]) -> list[str]:
    """The shortest file name of each that no other has."""
    names = [re.sub(r"[^\w.-]+", "-", each.name).strip("-.") or "data" for each in data]
    sized = [f"{name}-{each.passages}-{each.queries}" for name, each in zip(names, data, strict=True)]
    slugs = []
    for name, longer, each in zip(names, sized, data, strict=True):
        unique = [slug for slug, known in ((name, names), (longer, sized)) if known.count(slug) == 1]
        slugs.append(unique[0] if unique else f"{longer}-{each.key[:DIGITS]}")
    return slugs
