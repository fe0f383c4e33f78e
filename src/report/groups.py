"""What may be compared: the systems that were measured on the same questions over the same passages."""

from collections.abc import Sequence
from dataclasses import dataclass

from .systems import System


@dataclass(frozen=True)
class Group:
    """The systems of one data set."""

    name: str  # "beir, 30,000 passages, 2,759 questions"
    slug: str  # names its files: "beir", or "beir-30000-2759" where "beir" alone would name two groups
    systems: tuple[System, ...]

    def chosen(self, baselines: Sequence[System]) -> System | None:
        """The one of the `baselines` that is among its systems."""
        return next((system for system in baselines if system in self.systems), None)

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least one of its systems can tell."""
        names = dict.fromkeys(name for system in self.systems for row in system.rows for name in row.metrics)
        return [name for name in names if any(system.mean(name) is not None for system in self.systems)]

    def metric(self, wanted: Sequence[str]) -> str | None:
        """The first of the `wanted` metrics (none named: of all) that its systems can tell; None if there is none."""
        known = self.metrics
        return next((name for name in wanted or known if name in known), None)


def telling(found: Sequence[Group], metrics: Sequence[str]) -> tuple[list[tuple[Group, str]], list[str]]:
    """The groups that can tell one of `metrics` (none named: any), with the first of those; a note for each other."""
    first = [(group, group.metric(metrics)) for group in found]
    wanted = " or ".join(metrics) or "any metric"
    notes = [
        f"{group.slug}: left out, none of its systems can tell {wanted}" for group, metric in first if metric is None
    ]
    return [(group, metric) for group, metric in first if metric is not None], notes


def groups(systems: Sequence[System]) -> list[Group]:
    """The systems by what they were measured on, in the order given."""
    by_data: dict[tuple[str, int, int], list[System]] = {}
    for system in systems:
        by_data.setdefault(system.data, []).append(system)
    names = [name for name, _, _ in by_data]
    return [
        Group(
            f"{name}, {passages:,} passages, {queries:,} questions",
            name if names.count(name) == 1 else f"{name}-{passages}-{queries}",
            tuple(found),
        )
        for (name, passages, queries), found in by_data.items()
    ]
