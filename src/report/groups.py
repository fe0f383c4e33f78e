"""What may be compared: the systems that were measured on the same questions over the same passages."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import LabradorError
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

    def metric(self, wanted: Sequence[str]) -> str:
        """The first of the `wanted` metrics that its systems can tell, the first of all where none is wanted.

        Raises LabradorError when they can tell none of them.
        """
        known = self.metrics
        for name in wanted or known:
            if name in known:
                return name
        raise LabradorError(
            f"--metric {' '.join(wanted) or '-'}: a metric of {self.name} was expected: {', '.join(known) or 'none'}"
        )


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
