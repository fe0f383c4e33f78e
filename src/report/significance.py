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


@dataclass(frozen=True)
class Matrix:
    """All pairs of S systems by one metric."""

    metric: str
    labels: tuple[str, ...]
    differences: NDArray[np.float64]  # [S, S], row less column
    p_holm: NDArray[np.float64]  # [S, S], of the randomisation test, corrected for all pairs; 1 with itself


def against(systems: Sequence[System], baseline: System, metrics: Sequence[str]) -> list[Difference]:
    """The differences of `systems` to `baseline` in `metrics`, system by system; the baseline itself is left out.

    A metric that either cannot tell is left out, too. Raises LabradorError when the questions of two are not the same.
    """
    others = [system for system in systems if system != baseline]
    values: list[NDArray[np.float64]] = []
    pairs: list[tuple[int, int]] = []  # rows of the values
    compared: list[tuple[System, str]] = []  # whose they are
    for metric in metrics:
        told = [system for system in [baseline, *others] if system.mean(metric) is not None]
        if len(told) > 1 and told[0] == baseline:
            first = sum(len(part) for part in values)
            values.append(_values(told, metric))
            pairs += [(first + place, first) for place in range(1, len(told))]
            compared += [(system, metric) for system in told[1:]]
    if not compared:
        return []
    found = _tested(np.concatenate(values), np.array(pairs), compared, baseline)
    place = {system.label: number for number, system in enumerate(others)}
    return sorted(found, key=lambda one: (place[one.system], list(metrics).index(one.metric)))


def corrected(found: Sequence[Difference]) -> list[Difference]:
    """The same differences, their p corrected for all of them together: for a table of several baselines."""
    p = holm(np.array([one.p_randomisation for one in found]))
    return [replace(one, p_holm=float(value)) for one, value in zip(found, p, strict=True)]


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
        p[first, second] = p[second, first] = holm(_randomisation(values, pairs))
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


def _randomisation(values: NDArray[np.float64], pairs: NDArray[np.intp]) -> NDArray[np.float64]:
    draws = max(DRAWS, DRAWS_PER_TEST * len(pairs))
    return randomisation_test(values, pairs, np.random.default_rng(SEED), draws)


def _tested(
    values: NDArray[np.float64],
    pairs: NDArray[np.intp],
    compared: Sequence[tuple[System, str]],
    baseline: System,
) -> list[Difference]:
    """All tests of `pairs` of rows of `values` [K, Q]; `compared` are each pair's system and metric."""
    apart = differences(values, pairs)
    mean, queries = np.nanmean(apart, axis=1), (~np.isnan(apart)).sum(axis=1)
    low, high = bootstrap_interval(apart, np.random.default_rng(SEED))
    p_randomisation = _randomisation(values, pairs)
    p_t, p_holm = t_test(apart), holm(p_randomisation)
    return [
        Difference(
            metric=metric,
            system=system.label,
            baseline=baseline.label,
            difference=float(mean[number]),
            low=float(low[number]),
            high=float(high[number]),
            p_randomisation=float(p_randomisation[number]),
            p_t=float(p_t[number]),
            p_holm=float(p_holm[number]),
            queries=int(queries[number]),
        )
        for number, (system, metric) in enumerate(compared)
    ]
