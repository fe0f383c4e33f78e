"""What is random in a system besides the queries: the trainings and quantizers that its seeds drew.

Two systems whose seeds drew the same artifacts share that randomness, so only the queries are left to test over. If
either drew its own, their difference may be luck, and only the variance over seeds shows how much of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...results import ResultRow
from ..systems import TRAININGS, System, step_of
from .crossed import Variance, interaction, pooled, seed_variance

EXACT = ("flat", "sq8")  # quantizers that draw nothing, for rows that do not record what was drawn

Floats = NDArray[np.float64]
Over = Literal["queries", "seeds and queries", "one seed"]
Kind = tuple[object, ...]


@dataclass(frozen=True)
class Drawn:
    """The keys of the artifacts that each seed of a system drew."""

    trainings: tuple[frozenset[str], ...]
    quantizers: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, system: System) -> "Drawn":
        """What the rows of a system record."""
        return cls(tuple(_trainings(row) for row in system.rows), tuple(_quantizers(row) for row in system.rows))

    @property
    def trained(self) -> bool:
        """Whether any seed drew a training."""
        return any(self.trainings)

    @property
    def anything(self) -> bool:
        """Whether any seed drew anything."""
        return self.trained or any(self.quantizers)


@dataclass(frozen=True)
class Chance:
    """How the difference of two systems is random.

    over: what to test over; "one seed" = something was drawn only once, so that no test is possible. parts: variances
    of the two means by what their seeds drew. interaction: of both, see `crossed.interaction`. per_seed: the variance
    that one seed of each contributes (for a single seed that of other systems; None = no system shows it). drawn: how
    many of the two draw. single: those with only one seed that would need more.
    """

    over: Over
    parts: tuple[Variance, ...] = ()
    interaction: float = 0.0
    per_seed: float | None = None
    drawn: int = 0
    single: tuple[System, ...] = ()


class SeedVariances:
    """How much the scores of systems on the same data vary with the seed; scores are [S, Q] of each system.

    Two or three seeds hardly determine a variance, so systems of the same compression, search and encoder share theirs
    (systems that share a training count once): each uses the larger of its own and the pooled variance.
    """

    def __init__(self, systems: Sequence[System], scores: Sequence[Floats]) -> None:
        self.systems, self.scores = systems, scores
        self.drawn = [Drawn.of(system) for system in systems]
        self.kinds = [_kind(system) for system in systems]

    def chance(self, first: int, second: int) -> Chance:
        """How the difference of two of the systems, given by their positions, is random."""
        one, other = self.drawn[first], self.drawn[second]
        same_training = one.trainings == other.trainings or not (one.trained or other.trained)
        if (same_training and one.quantizers == other.quantizers) or not (one.anything or other.anything):
            return Chance("queries")
        if same_training and one.trained:
            return self._of_shared_training(first, second)
        return self._of_separate_draws([place for place in (first, second) if self.drawn[place].anything])

    def _of_separate_draws(self, places: Sequence[int]) -> Chance:
        """For systems that drew separately; one that draws nothing is not among `places`."""
        single = tuple(self.systems[place] for place in places if len(self.scores[place]) < 2)
        variances = [self._variance(place) for place in places]
        per_seed = None if None in variances else sum(one.value for one in variances if one)
        if single:
            return Chance("one seed", per_seed=per_seed, drawn=len(places), single=single)
        parts = tuple(
            Variance(one.value / len(self.scores[place]), one.degrees)
            for place, one in zip(places, variances, strict=True)
            if one
        )
        interactions = sum(self._interactions[place] for place in places)
        return Chance("seeds and queries", parts, interactions, per_seed, len(places))

    def _of_shared_training(self, first: int, second: int) -> Chance:
        """For one training under two quantizers, at least one of them drawn: differences seed by seed."""
        variance = self._variance_of_difference(first, second)
        per_seed = None if variance is None else variance.value
        seeds = len(self.scores[first])
        if seeds < 2:
            drew = [place for place in (first, second) if any(self.drawn[place].quantizers)]
            return Chance("one seed", per_seed=per_seed, drawn=1, single=tuple(self.systems[place] for place in drew))
        parts = () if variance is None else (Variance(variance.value / seeds, variance.degrees),)
        apart = self.scores[first] - self.scores[second]
        return Chance("seeds and queries", parts, interaction(apart), per_seed, 1)

    @cached_property
    def _interactions(self) -> list[float]:
        return [interaction(scores) for scores in self.scores]

    @cached_property
    def _own(self) -> list[Variance | None]:
        """The variance of each system's own seeds; None if it has one seed or draws nothing."""
        return [
            Variance(seed_variance(scores), len(scores) - 1.0) if drawn.anything and len(scores) > 1 else None
            for scores, drawn in zip(self.scores, self.drawn, strict=True)
        ]

    @cached_property
    def _pools(self) -> dict[Kind, Variance]:
        """The pooled variance of each kind of system that has one."""
        found: dict[Kind, dict[object, list[Variance]]] = {}
        for own, drawn, kind in zip(self._own, self.drawn, self.kinds, strict=True):
            if own:
                source = drawn.trainings if drawn.trained else drawn.quantizers
                found.setdefault(kind, {}).setdefault(source, []).append(own)
        return {kind: _pooled_by_source(sources) for kind, sources in found.items()}

    def _variance(self, place: int) -> Variance | None:
        """The variance over a system's seeds; for one seed that of its kind, else the largest of any kind."""
        pool, own = self._pools.get(self.kinds[place]), self._own[place]
        if pool is None:
            return max(self._pools.values(), key=lambda one: one.value, default=None)
        return Variance(max(pool.value, own.value if own else 0.0), pool.degrees)

    def _variance_of_difference(self, first: int, second: int) -> Variance | None:
        """The variance of one training's difference between two quantizers, from all trainings that have both."""
        kinds = self.kinds[first], self.kinds[second]
        sources: dict[object, list[Variance]] = {}
        for i, j in self._sharing:
            if (self.kinds[i], self.kinds[j]) == kinds:
                sources.setdefault(self.drawn[i].trainings, []).append(self._difference(i, j))
        if not sources:
            known = [one for place in (first, second) if (one := self._variance(place))]
            return max(known, key=lambda one: one.value, default=None)
        pool = _pooled_by_source(sources)
        own = self._difference(first, second).value if len(self.scores[first]) > 1 else 0.0
        return Variance(max(pool.value, own), pool.degrees)

    @cached_property
    def _sharing(self) -> list[tuple[int, int]]:
        """The pairs of systems with the same trainings, of several seeds."""
        by_training: dict[object, list[int]] = {}
        for place, drawn in enumerate(self.drawn):
            if drawn.trained and len(self.scores[place]) > 1:
                by_training.setdefault(drawn.trainings, []).append(place)
        return [pair for places in by_training.values() for pair in permutations(places, 2)]

    def _difference(self, first: int, second: int) -> Variance:
        apart = self.scores[first] - self.scores[second]
        return Variance(seed_variance(apart), len(apart) - 1.0)


def _pooled_by_source(sources: dict[object, list[Variance]]) -> Variance:
    """One variance; those from one source are not independent evidence, so their mean counts once."""
    return pooled(
        [
            Variance(sum(one.value for one in shared) / len(shared), min(one.degrees for one in shared))
            for shared in sources.values()
        ]
    )


def _trainings(row: ResultRow) -> frozenset[str]:
    return frozenset(key for name, key in row.keys.items() if step_of(name) in TRAININGS)


def _quantizers(row: ResultRow) -> frozenset[str]:
    named = row.keys if row.drawn is None else row.drawn
    if row.drawn is None and row.quantizer in EXACT:
        return frozenset()
    return frozenset(key for name, key in named.items() if step_of(name) == "quantizer")


def _kind(system: System) -> Kind:
    """What systems must share to vary alike with the seed."""
    row = system.rows[0]
    settings = tuple(sorted((key, value) for key, value in row.settings.items() if key.startswith("quantizer.")))
    return row.quantizer, row.search, row.encoder, settings
