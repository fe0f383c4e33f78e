"""Systems compared on the same questions: how far apart they are, and whether that may be chance.

Where two systems share all that their seeds drew, chance is in the questions alone; where they do not, it is in the
seeds as well, and a system of one seed cannot be told from another (`seeds.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import LabradorError
from ..systems import System, check_questions
from .crossed import crossed_interval, crossed_test, seeds_needed
from .paired import DRAWS, bootstrap_interval, differences, holm, mean_variance, randomisation_test, t_test
from .seeds import Chance, Family, Over

ALPHA = 0.05
DRAWS_PER_TEST = 100  # so that the smallest p that can be drawn is well below alpha after Holm's correction
SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """One metric of a system less the baseline's, over the questions that count for both (means over seeds)."""

    metric: str
    system: str  # the labels of the two
    baseline: str
    difference: float  # mean over the questions
    low: float  # ends of the 95 % interval of it, over what `over` says; of one seed over the questions (bootstrap)
    high: float
    over: Over  # what the test holds; "one seed": there is none
    p: float | None  # two-sided, of the test over `over`
    p_holm: float | None  # p corrected for all differences of the table that were tested
    p_randomisation: float  # of these very runs, over the questions alone: paired, two-sided
    p_t: float  # of these very runs, over the questions alone: paired t-test
    one_seed: tuple[str, ...]  # the labels of those of the two whose draw was made but once; () = there is a test
    seed_error: float | None  # standard error by what the seeds drew; of one seed by what others here show, else None
    seeds_needed: int | None  # about how many tell a difference of this size; None = over 100, not known, or no matter
    queries: int  # questions compared

    @property
    def significant(self) -> bool:
        """Whether it stays below alpha after the correction."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def sign(self) -> int:
        """1 where the system is significantly better, -1 where it is worse, else 0."""
        return 0 if not self.significant else 1 if self.difference > 0 else -1


@dataclass(frozen=True)
class Matrix:
    """All pairs of S systems by one metric."""

    metric: str
    labels: tuple[str, ...]
    differences: Floats  # [S, S], row less column
    p_holm: Floats  # [S, S], corrected for all pairs that were tested; 1 with itself, NaN where there is one seed


@dataclass(frozen=True)
class Comparisons:
    """T pairs of systems on one data, each by a metric: their figures, and how their differences are random."""

    names: list[tuple[str, System, System]]  # [T] metric, first, second
    pairs: NDArray[np.intp]  # [T, 2] rows of `values`
    values: Floats  # [K, Q] means over seeds
    chances: list[Chance]  # [T]

    @classmethod
    def of(
        cls, systems: Sequence[System], wanted: Sequence[tuple[System, System]], metrics: Sequence[str]
    ) -> "Comparisons":
        """The `wanted` pairs by every metric that both can tell; all `systems` on their data show what seeds draw.

        Raises LabradorError when the questions of two are not the same.
        """
        names: list[tuple[str, System, System]] = []
        pairs: list[tuple[int, int]] = []
        values: list[Floats] = []
        chances: list[Chance] = []
        for metric in metrics:
            told = [system for system in systems if system.mean(metric) is not None]
            places = {id(system): place for place, system in enumerate(told)}
            here = [pair for pair in wanted if all(id(system) in places for system in pair)]
            if not here:
                continue
            family = Family(told, _figures(told, metric))
            for first, second in here:
                one, other = places[id(first)], places[id(second)]
                names.append((metric, first, second))
                pairs.append((len(values) + one, len(values) + other))
                chances.append(family.chance(one, other))
            values.extend(figures.mean(axis=0) for figures in family.figures)
        return cls(names, np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(values), chances)

    @property
    def by_questions(self) -> NDArray[np.bool_]:
        """[T] whether chance is in the questions alone."""
        return np.array([chance.over == "questions" for chance in self.chances], dtype=bool)

    @property
    def apart(self) -> Floats:
        """First less second, question by question, [T, Q]."""
        return differences(self.values, self.pairs)

    def over_questions(self, draws: int) -> Floats:
        """p [T] of the paired randomisation test."""
        return randomisation_test(self.values, self.pairs, np.random.default_rng(SEED), draws)

    def parts(self, apart: Floats) -> tuple[Floats, Floats]:
        """Variances and degrees of freedom [T, 3] of the mean differences: of two systems' seeds, of the questions."""
        variance, counted = mean_variance(apart)
        variances, degrees = np.zeros((len(apart), 3)), np.ones((len(apart), 3))
        for row, chance in enumerate(self.chances):
            for column, part in enumerate(chance.parts):
                variances[row, column], degrees[row, column] = part.variance, part.degrees
        variances[:, 2] = np.maximum(variance - [chance.within for chance in self.chances], 0.0)
        degrees[:, 2] = np.maximum(counted - 1, 1)
        return variances, degrees


def against(systems: Sequence[System], baselines: Sequence[System], metrics: Sequence[str]) -> list[Difference]:
    """The differences in `metrics` of each system to the baseline of its data, p corrected for all of them together.

    baselines: one for each data (`System.data`) that is to be tested. The differences come system by system; the
    baselines themselves are left out, and metrics that either of two cannot tell. Raises LabradorError when the
    questions of two are not the same.
    """
    tables = []
    for baseline in baselines:
        there = [system for system in systems if system.data == baseline.data]
        if baseline not in there:
            there.append(baseline)
        wanted = [(system, baseline) for system in there if system != baseline]
        tables.append(Comparisons.of(there, wanted, metrics))
    draws = _draws(sum(int(table.by_questions.sum()) for table in tables))
    found = [one for table in tables if table.names for one in _tested(table, draws)]
    tested = [number for number, one in enumerate(found) if one.p is not None]
    corrected = holm(np.array([found[number].p for number in tested], dtype=np.float64))
    for number, p in zip(tested, corrected, strict=True):
        found[number] = replace(found[number], p_holm=float(p))
    place = {system.label: number for number, system in enumerate(systems)}
    return sorted(found, key=lambda one: place[one.system])


def matrix(systems: Sequence[System], metric: str) -> Matrix:
    """Every two of the systems that can tell `metric`, on the same questions.

    Raises LabradorError when none can tell it, or the questions of two are not the same.
    """
    told = [system for system in systems if system.mean(metric) is not None]
    if not told:
        known = dict.fromkeys(name for system in systems for name in system.rows[0].metrics)
        raise LabradorError(f"{metric}: a metric of these results was expected: {', '.join(known)}")
    places = [(i, j) for i in range(len(told)) for j in range(i)]
    table = Comparisons.of(told, [(told[i], told[j]) for i, j in places], [metric])
    apart, p = np.zeros((len(told), len(told))), np.ones((len(told), len(told)))
    if places:
        mean = np.nanmean(table.apart, axis=1)
        found = _p(table, table.apart, table.over_questions(_draws(int(table.by_questions.sum()))))
        found[~np.isnan(found)] = holm(found[~np.isnan(found)])
        first, second = np.array(places).T
        apart[first, second], apart[second, first] = mean, -mean
        p[first, second] = p[second, first] = found
    return Matrix(metric, tuple(system.label for system in told), apart, p)


def _figures(systems: Sequence[System], metric: str) -> list[Floats]:
    """The metric of every seed and question, [S, Q] of each of the systems, which have the same questions."""
    first, values = systems[0], []
    expected: list[str] = []
    for system in systems:
        qids, figures = system.by_seed(metric)
        expected = expected or qids
        check_questions(first.files[0], expected, system.files[0], qids)
        values.append(figures)
    return values


def _draws(tests: int) -> int:
    return max(DRAWS, DRAWS_PER_TEST * tests)


def _p(table: Comparisons, apart: Floats, randomised: Floats) -> Floats:
    """p [T] of the test that holds all that is random in a difference; NaN where there is one seed."""
    variances, degrees = table.parts(apart)
    crossed = crossed_test(np.nanmean(apart, axis=1), variances, degrees)
    single = [chance.over == "one seed" for chance in table.chances]
    return np.where(single, np.nan, np.where(table.by_questions, randomised, crossed))


def _tested(table: Comparisons, draws: int) -> list[Difference]:
    """The differences of a table, their p not yet corrected."""
    apart = table.apart
    mean, queries = np.nanmean(apart, axis=1), (~np.isnan(apart)).sum(axis=1)
    p_randomisation, p_t = table.over_questions(draws), t_test(apart)
    p = _p(table, apart, p_randomisation)
    variances, degrees = table.parts(apart)
    crossed = np.array([chance.over == "seeds and questions" for chance in table.chances], dtype=bool)
    ends = zip(
        bootstrap_interval(apart, np.random.default_rng(SEED)), crossed_interval(mean, variances, degrees), strict=True
    )
    low, high = (np.where(crossed, of_both, of_questions) for of_questions, of_both in ends)
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
    variance = sum(part.variance for part in chance.parts) if chance.parts else chance.per_seed
    return None if variance is None else float(variance**0.5)


def _seeds(difference: float, chance: Chance, questions: float) -> int | None:
    if chance.per_seed is None:
        return None
    return seeds_needed(float(difference), chance.per_seed, float(questions), chance.drawn, ALPHA)
