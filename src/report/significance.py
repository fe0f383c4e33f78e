"""Systems beside each other on the same questions: how far apart they are, and whether that may be chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import LabradorError
from .statistics import DRAWS, bootstrap_interval, differences, holm, randomisation_test, t_test
from .systems import System, check_questions

ALPHA = 0.05
DRAWS_PER_TEST = 100  # so that the smallest p that can be drawn is well below alpha after Holm's correction
SEED = 0


@dataclass(frozen=True)
class Difference:
    """One metric of a system less the baseline's, over the questions that count for both (means over seeds)."""

    metric: str
    system: str  # the labels of the two
    baseline: str
    difference: float  # mean over the questions
    low: float  # ends of the bootstrap 95 % interval of it
    high: float
    p_randomisation: float  # paired, two-sided
    p_t: float  # paired t-test
    p_holm: float  # p_randomisation corrected for all differences of the table
    queries: int  # questions compared

    @property
    def significant(self) -> bool:
        """Whether it stays below alpha after the correction."""
        return self.p_holm < ALPHA

    @property
    def sign(self) -> int:
        """1 where the system is significantly better, -1 where it is worse, else 0."""
        return 0 if not self.significant else 1 if self.difference > 0 else -1


@dataclass(frozen=True)
class Matrix:
    """All pairs of S systems by one metric."""

    metric: str
    labels: tuple[str, ...]
    differences: NDArray[np.float64]  # [S, S], row less column
    p_holm: NDArray[np.float64]  # [S, S], of the randomisation test, corrected for all pairs; 1 with itself


@dataclass(frozen=True)
class _Table:
    """What is compared on one data: rows of figures, pairs of them, and whose they are."""

    baseline: System
    compared: list[tuple[System, str]]  # a system and a metric for each pair
    pairs: list[tuple[int, int]]  # rows of `values`: the system's, the baseline's
    values: list[NDArray[np.float64]]  # parts [K, Q] with the same questions

    @classmethod
    def of(cls, systems: Sequence[System], baseline: System, metrics: Sequence[str]) -> "_Table":
        """The comparisons of `systems` with `baseline` in every metric that both can tell."""
        table = cls(baseline, [], [], [])
        others = [system for system in systems if system != baseline]
        for metric in metrics:
            told = [system for system in others if system.mean(metric) is not None]
            if told and baseline.mean(metric) is not None:
                first = sum(len(part) for part in table.values)
                table.values.append(_values([baseline, *told], metric))
                table.pairs.extend((first + place, first) for place in range(1, len(told) + 1))
                table.compared.extend((system, metric) for system in told)
        return table


def against(systems: Sequence[System], baselines: Sequence[System], metrics: Sequence[str]) -> list[Difference]:
    """The differences in `metrics` of each system to the baseline of its data, p corrected for all of them together.

    baselines: one for each data (`System.data`) that is to be tested. The differences come system by system; the
    baselines themselves are left out, and metrics that either of two cannot tell. Raises LabradorError when the
    questions of two are not the same.
    """
    tables = [_Table.of([s for s in systems if s.data == base.data], base, metrics) for base in baselines]
    draws = _draws(sum(len(table.compared) for table in tables))
    found = [one for table in tables if table.compared for one in _tested(table, draws)]
    p = holm(np.array([one.p_randomisation for one in found]))
    place = {system.label: number for number, system in enumerate(systems)}
    corrected = [replace(one, p_holm=float(value)) for one, value in zip(found, p, strict=True)]
    return sorted(corrected, key=lambda one: place[one.system])


def explained(baselines: Sequence[System], found: Sequence[Difference], systems: Sequence[System]) -> str:
    """What the marks of a table of `systems` say, in words."""
    names = " or ".join(dict.fromkeys(system.label for system in baselines))
    of_seeds = " (of each the mean over the seeds)" if any(len(system.rows) > 1 for system in systems) else ""
    return (
        f"▲ better, ▼ worse than {names}: paired randomisation test over the questions{of_seeds}, two-sided, "
        f"p < {ALPHA} after Holm's correction for {len(found)} comparison{'' if len(found) == 1 else 's'}"
    )


def matrix(systems: Sequence[System], metric: str) -> Matrix:
    """Every two of the systems that can tell `metric`, on the same questions.

    Raises LabradorError when none can tell it, or the questions of two are not the same.
    """
    told = [system for system in systems if system.mean(metric) is not None]
    if not told:
        known = dict.fromkeys(name for system in systems for name in system.rows[0].metrics)
        raise LabradorError(f"{metric}: a metric of these results was expected: {', '.join(known)}")
    values = _values(told, metric)
    pairs = np.array([(i, j) for i in range(len(told)) for j in range(i)], dtype=np.intp).reshape(-1, 2)
    apart, p = np.zeros((len(told), len(told))), np.ones((len(told), len(told)))
    if len(pairs):
        mean = np.nanmean(differences(values, pairs), axis=1)
        first, second = pairs.T
        apart[first, second], apart[second, first] = mean, -mean
        p[first, second] = p[second, first] = holm(_randomisation(values, pairs, _draws(len(pairs))))
    return Matrix(metric, tuple(system.label for system in told), apart, p)


def _values(systems: Sequence[System], metric: str) -> NDArray[np.float64]:
    """The metric of every question, float64 [S, Q], of systems that have the same questions."""
    first, values = systems[0], []
    expected: list[str] = []
    for system in systems:
        qids, figures = system.per_query(metric)
        expected = expected or qids
        check_questions(first.files[0], expected, system.files[0], qids)
        values.append(figures)
    return np.stack(values)


def _draws(tests: int) -> int:
    return max(DRAWS, DRAWS_PER_TEST * tests)


def _randomisation(values: NDArray[np.float64], pairs: NDArray[np.intp], draws: int) -> NDArray[np.float64]:
    return randomisation_test(values, pairs, np.random.default_rng(SEED), draws)


def _tested(table: _Table, draws: int) -> list[Difference]:
    """The differences of a table, their p not yet corrected."""
    values, pairs = np.concatenate(table.values), np.array(table.pairs)
    apart = differences(values, pairs)
    mean, queries = np.nanmean(apart, axis=1), (~np.isnan(apart)).sum(axis=1)
    low, high = bootstrap_interval(apart, np.random.default_rng(SEED))
    p_randomisation, p_t = _randomisation(values, pairs, draws), t_test(apart)
    return [
        Difference(
            metric=metric,
            system=system.label,
            baseline=table.baseline.label,
            difference=float(mean[number]),
            low=float(low[number]),
            high=float(high[number]),
            p_randomisation=float(p_randomisation[number]),
            p_t=float(p_t[number]),
            p_holm=float(p_randomisation[number]),
            queries=int(queries[number]),
        )
        for number, (system, metric) in enumerate(table.compared)
    ]
