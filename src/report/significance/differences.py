"""Systems compared on the same queries: how much they differ, and whether that may be chance.

If two systems share all that their seeds drew, only the queries are random, and the paired randomisation test decides.
If not, seeds are random as well (`crossed.py`), and a system with one seed cannot be tested (`seeds.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import LabradorError
from ..per_query import check_queries
from ..systems import System
from .crossed import crossed_interval, crossed_test, seeds_needed
from .paired import DRAWS, bootstrap_interval, differences, holm, mean_variance, randomisation_test, t_test
from .seeds import Chance, Over, SeedVariances

ALPHA = 0.05
DRAWS_PER_TEST = 100  # so that the smallest possible p is well below alpha after Holm's correction
SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """One metric of a system minus the baseline's, over the queries that both have scores for (means over seeds)."""

    metric: str
    system: str  # the labels of the two
    baseline: str
    difference: float  # mean over queries
    low: float  # ends of its 95 % interval, over what `over` says; for one seed over queries (bootstrap)
    high: float
    over: Over  # what the test is over; "one seed" = there is no test
    p: float | None  # two-sided, of the test over `over`
    p_holm: float | None  # p corrected for all tests of the table
    p_randomisation: float  # of these very runs, over queries alone: paired, two-sided
    p_t: float  # of these very runs, over queries alone: paired t-test
    one_seed: tuple[str, ...]  # the labels of those of the two with a single seed; () = there is a test
    seed_error: float | None  # standard error due to seeds; for one seed as other systems show it, else None
    seeds_needed: int | None  # about how many detect a difference of this size; None = over 100, unknown, or irrelevant
    queries: int  # that were compared

    @property
    def significant(self) -> bool:
        """Whether the corrected p is below alpha."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def sign(self) -> int:
        """1 if the system is significantly better, -1 if it is worse, else 0."""
        return 0 if not self.significant else 1 if self.difference > 0 else -1


@dataclass(frozen=True)
class Matrix:
    """All pairs of S systems by one metric."""

    metric: str
    labels: tuple[str, ...]
    differences: Floats  # [S, S], row minus column
    p_holm: Floats  # [S, S], corrected for all pairs that were tested; 1 with itself, NaN for a single seed


@dataclass(frozen=True)
class Comparisons:
    """T pairs of systems on the same data, each by a metric: their scores, and how their differences are random."""

    names: list[tuple[str, System, System]]  # [T] metric, first, second
    pairs: NDArray[np.intp]  # [T, 2] rows of `scores`
    scores: Floats  # [K, Q] means over seeds
    chances: list[Chance]  # [T]

    @classmethod
    def of(
        cls, systems: Sequence[System], wanted: Sequence[tuple[System, System]], metrics: Sequence[str]
    ) -> "Comparisons":
        """The `wanted` pairs by every metric that both have; all `systems` show how much seeds vary.

        Raises LabradorError if the systems were scored on different queries.
        """
        names: list[tuple[str, System, System]] = []
        pairs: list[tuple[int, int]] = []
        means: list[Floats] = []
        chances: list[Chance] = []
        for metric in metrics:
            scored = [system for system in systems if system.mean(metric) is not None]
            places = {id(system): place for place, system in enumerate(scored)}
            here = [pair for pair in wanted if all(id(system) in places for system in pair)]
            if not here:
                continue
            variances = SeedVariances(scored, _scores(scored, metric))
            for first, second in here:
                one, other = places[id(first)], places[id(second)]
                names.append((metric, first, second))
                pairs.append((len(means) + one, len(means) + other))
                chances.append(variances.chance(one, other))
            means.extend(scores.mean(axis=0) for scores in variances.scores)
        return cls(names, np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(means), chances)

    @property
    def by_queries(self) -> NDArray[np.bool_]:
        """[T] whether the queries alone are random."""
        return np.array([chance.over == "queries" for chance in self.chances], dtype=bool)

    @property
    def apart(self) -> Floats:
        """First minus second, query by query, [T, Q]."""
        return differences(self.scores, self.pairs)

    def over_queries(self, draws: int) -> Floats:
        """p [T] of the paired randomisation test."""
        return randomisation_test(self.scores, self.pairs, np.random.default_rng(SEED), draws)

    def parts(self, apart: Floats) -> tuple[Floats, Floats]:
        """Variances and degrees of freedom [T, 3] of the mean differences: of two systems' seeds and of the queries."""
        variance, counted = mean_variance(apart)
        variances, degrees = np.zeros((len(apart), 3)), np.ones((len(apart), 3))
        for row, chance in enumerate(self.chances):
            for column, part in enumerate(chance.parts):
                variances[row, column], degrees[row, column] = part.value, part.degrees
        variances[:, 2] = np.maximum(variance - [chance.interaction for chance in self.chances], 0.0)
        degrees[:, 2] = np.maximum(counted - 1, 1)
        return variances, degrees


def against(systems: Sequence[System], baselines: Sequence[System], metrics: Sequence[str]) -> list[Difference]:
    """The differences in `metrics` of each system from the baseline on its data, p corrected for all of them together.

    baselines: one for each data (`System.data`) that is tested. The differences come system by system, without the
    baselines themselves and metrics that either of two lacks. Raises LabradorError if two systems on the same data were
    scored on different queries.
    """
    tables = []
    for baseline in baselines:
        there = [system for system in systems if system.data == baseline.data]
        if baseline not in there:
            there.append(baseline)
        wanted = [(system, baseline) for system in there if system != baseline]
        tables.append(Comparisons.of(there, wanted, metrics))
    draws = _draws(sum(int(table.by_queries.sum()) for table in tables))
    found = [one for table in tables if table.names for one in _tested(table, draws)]
    tested = [number for number, one in enumerate(found) if one.p is not None]
    corrected = holm(np.array([found[number].p for number in tested], dtype=np.float64))
    for number, p in zip(tested, corrected, strict=True):
        found[number] = replace(found[number], p_holm=float(p))
    place = {system.label: number for number, system in enumerate(systems)}
    return sorted(found, key=lambda one: place[one.system])


def matrix(systems: Sequence[System], metric: str) -> Matrix:
    """Every pair of the systems that have `metric`.

    Raises LabradorError if none has it, or two were scored on different queries.
    """
    scored = [system for system in systems if system.mean(metric) is not None]
    if not scored:
        known = dict.fromkeys(name for system in systems for name in system.rows[0].metrics)
        raise LabradorError(f"{metric}: expected a metric of these results: {', '.join(known)}")
    places = [(i, j) for i in range(len(scored)) for j in range(i)]
    table = Comparisons.of(scored, [(scored[i], scored[j]) for i, j in places], [metric])
    apart, p = np.zeros((len(scored), len(scored))), np.ones((len(scored), len(scored)))
    if places:
        mean = np.nanmean(table.apart, axis=1)
        found = _p(table, table.apart, table.over_queries(_draws(int(table.by_queries.sum()))))
        found[~np.isnan(found)] = holm(found[~np.isnan(found)])
        first, second = np.array(places).T
        apart[first, second], apart[second, first] = mean, -mean
        p[first, second] = p[second, first] = found
    return Matrix(metric, tuple(system.label for system in scored), apart, p)


def _scores(systems: Sequence[System], metric: str) -> list[Floats]:
    """The metric for every seed and query, [S, Q] of each of the systems, which must have the same queries."""
    first, found = systems[0], []
    expected: list[str] = []
    for system in systems:
        qids, scores = system.by_seed(metric)
        expected = expected or qids
        check_queries(first.files[0], expected, system.files[0], qids)
        found.append(scores)
    return found


def _draws(tests: int) -> int:
    return max(DRAWS, DRAWS_PER_TEST * tests)


def _p(table: Comparisons, apart: Floats, randomised: Floats) -> Floats:
    """p [T] of the test over all that is random in a difference; NaN for a single seed."""
    variances, degrees = table.parts(apart)
    crossed = crossed_test(np.nanmean(apart, axis=1), variances, degrees)
    single = [chance.over == "one seed" for chance in table.chances]
    return np.where(single, np.nan, np.where(table.by_queries, randomised, crossed))


def _tested(table: Comparisons, draws: int) -> list[Difference]:
    """The differences of a table, p not yet corrected."""
    apart = table.apart
    mean, queries = np.nanmean(apart, axis=1), (~np.isnan(apart)).sum(axis=1)
    p_randomisation, p_t = table.over_queries(draws), t_test(apart)
    p = _p(table, apart, p_randomisation)
    variances, degrees = table.parts(apart)
    crossed = np.array([chance.over == "seeds and queries" for chance in table.chances], dtype=bool)
    ends = zip(
        bootstrap_interval(apart, np.random.default_rng(SEED)), crossed_interval(mean, variances, degrees), strict=True
    )
    low, high = (np.where(crossed, of_both, of_queries) for of_queries, of_both in ends)
    return [
        Difference(
            metric=metric,
            system=system.label,
            baseline=baseline.label,
            difference=float(mean[number]),
            low=float(low[number]),
            high=float(high[number]),
            over=chance.over,
            p=None if np.isnan(p[number]) else float(p[number]),
            p_holm=None,
            p_randomisation=float(p_randomisation[number]),
            p_t=float(p_t[number]),
            one_seed=tuple(one.label for one in chance.single),
            seed_error=_seed_error(chance),
            seeds_needed=_seeds(mean[number], chance, variances[number, 2]),
            queries=int(queries[number]),
        )
        for number, ((metric, system, baseline), chance) in enumerate(zip(table.names, table.chances, strict=True))
    ]


def _seed_error(chance: Chance) -> float | None:
    variance = sum(part.value for part in chance.parts) if chance.parts else chance.per_seed
    return None if variance is None else float(variance**0.5)


def _seeds(difference: float, chance: Chance, queries: float) -> int | None:
    if chance.per_seed is None:
        return None
    return seeds_needed(float(difference), chance.per_seed, float(queries), chance.drawn, ALPHA)
