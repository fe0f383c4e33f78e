"""What is random in a system besides the questions: the trainings and quantizers that its seeds drew.

Two systems whose seeds drew the same are one draw seen twice, and are compared over the questions alone. Where either
drew for itself, a difference may be luck of the draw, and the spread over seeds must tell how much of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...results import ResultRow
from ..systems import System
from .crossed import Spread, pooled, seed_variance, within

TRAININGS = ("fit", "teacher")  # steps whose artifacts are trained
EXACT = ("flat", "sq8")  # quantizers that draw nothing, in rows that do not say what was drawn

Floats = NDArray[np.float64]
Over = Literal["questions", "seeds and questions", "one seed"]
Class = tuple[object, ...]


@dataclass(frozen=True)
class Drawn:
    """The keys of what each seed of a system drew."""

    trainings: tuple[frozenset[str], ...]
    quantizers: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, system: System) -> "Drawn":
        """What the rows of a system say of it."""
        return cls(tuple(_trainings(row) for row in system.rows), tuple(_quantizers(row) for row in system.rows))

    @property
    def trained(self) -> bool:
        """Whether a training was drawn."""
        return any(self.trainings)

    @property
    def anything(self) -> bool:
        """Whether a seed draws anything at all."""
        return self.trained or any(self.quantizers)


@dataclass(frozen=True)
class Chance:
    """How the difference of two systems is random.

    over: what the test must hold; "one seed": a draw that was made but once, and nothing can be tested.
    parts: variances of the two means by what their seeds drew. within: see `crossed.within`, of both.
    per_seed: the variance that one seed of each brings (of one seed: as seen in other systems; None = nowhere seen),
    and how many of the two are drawn. single: those that have one seed and would need more.
    """

    over: Over
    parts: tuple[Spread, ...] = ()
    within: float = 0.0
    per_seed: float | None = None
    drawn: int = 0
    single: tuple[System, ...] = ()


class Family:
    """The systems on one data that can tell a metric, and the spread over seeds that they show.

    figures: [S, Q] of each system, S its seeds, Q the same questions.

    A spread from two or three seeds is hardly known, so systems of the same compression, search and encoder lend each
    other theirs (those that share a training count once): a system's is the larger of its own and the pooled one.
    """

    def __init__(self, systems: Sequence[System], figures: Sequence[Floats]) -> None:
        self.systems, self.figures = systems, figures
        self.drawn = [Drawn.of(system) for system in systems]
        self.classes = [_class(system) for system in systems]

    def chance(self, first: int, second: int) -> Chance:
        """How the difference of two of the systems, by their places, is random."""
        one, other = self.drawn[first], self.drawn[second]
        same_training = one.trainings == other.trainings or not (one.trained or other.trained)
        if same_training and one.quantizers == other.quantizers:
            return Chance("questions")
        if not (one.anything or other.anything):
            return Chance("questions")
        if same_training and one.trained:
            return self._shared(first, second)
        return self._apart([place for place in (first, second) if self.drawn[place].anything])

    def _apart(self, places: Sequence[int]) -> Chance:
        """Of systems that drew for themselves; one that draws nothing is not among `places`."""
        single = tuple(self.systems[place] for place in places if len(self.figures[place]) < 2)
        seen = [self._seen(place) for place in places]
        per_seed = None if None in seen else sum(one.variance for one in seen if one)
        if single:
            return Chance("one seed", per_seed=per_seed, drawn=len(places), single=single)
        parts = tuple(
            Spread(one.variance / len(self.figures[place]), one.degrees)
            for place, one in zip(places, seen, strict=True)
            if one
        )
        return Chance("seeds and questions", parts, sum(self._within[place] for place in places), per_seed, len(places))

    def _shared(self, first: int, second: int) -> Chance:
        """Of one training under two quantizers, of which one at least was drawn: differences seed by seed."""
        seen = self._seen_shared(first, second)
        per_seed = None if seen is None else seen.variance
        seeds = len(self.figures[first])
        if seeds < 2:
            drew = [place for place in (first, second) if any(self.drawn[place].quantizers)]
            return Chance("one seed", per_seed=per_seed, drawn=1, single=tuple(self.systems[place] for place in drew))
        apart = self.figures[first] - self.figures[second]
        parts = () if seen is None else (Spread(seen.variance / seeds, seen.degrees),)
        return Chance("seeds and questions", parts, within(apart), per_seed, 1)

    @cached_property
    def _within(self) -> list[float]:
        return [within(figures) for figures in self.figures]

    @cached_property
    def _own(self) -> list[Spread | None]:
        """The spread of each system's own seeds; None where it has one seed or draws nothing."""
        return [
            Spread(seed_variance(figures), len(figures) - 1.0) if drawn.anything and len(figures) > 1 else None
            for figures, drawn in zip(self.figures, self.drawn, strict=True)
        ]

    @cached_property
    def _pools(self) -> dict[Class, Spread]:
        """The spread of each class that shows one."""
        found: dict[Class, dict[object, list[Spread]]] = {}
        for own, drawn, kind in zip(self._own, self.drawn, self.classes, strict=True):
            if own:
                source = drawn.trainings if drawn.trained else drawn.quantizers
                found.setdefault(kind, {}).setdefault(source, []).append(own)
        return {kind: pooled([_one(of_source) for of_source in sources.values()]) for kind, sources in found.items()}

    def _seen(self, place: int) -> Spread | None:
        """The spread that a system's seeds have: of one seed that of its class, else the largest that is seen."""
        pool, own = self._pools.get(self.classes[place]), self._own[place]
        if pool is None:
            return max(self._pools.values(), key=lambda one: one.variance, default=None)
        return Spread(max(pool.variance, own.variance if own else 0.0), pool.degrees)

    def _seen_shared(self, first: int, second: int) -> Spread | None:
        """The spread of one training's difference between two quantizers, by the trainings that have it in both."""
        kinds = self.classes[first], self.classes[second]
        sources: dict[object, list[Spread]] = {}
        for i, j in self._sharing:
            if (self.classes[i], self.classes[j]) == kinds:
                sources.setdefault(self.drawn[i].trainings, []).append(self._difference((i, j)))
        if not sources:
            seen = [one for place in (first, second) if (one := self._seen(place))]
            return max(seen, key=lambda one: one.variance, default=None)
        pool = pooled([_one(of_source) for of_source in sources.values()])
        own = self._difference((first, second)).variance if len(self.figures[first]) > 1 else 0.0
        return Spread(max(pool.variance, own), pool.degrees)

    @cached_property
    def _sharing(self) -> list[tuple[int, int]]:
        """The pairs of systems that have the same trainings, of several seeds."""
        by_training: dict[object, list[int]] = {}
        for place, drawn in enumerate(self.drawn):
            if drawn.trained and len(self.figures[place]) > 1:
                by_training.setdefault(drawn.trainings, []).append(place)
        return [pair for places in by_training.values() for pair in permutations(places, 2)]

    def _difference(self, pair: tuple[int, int]) -> Spread:
        apart = self.figures[pair[0]] - self.figures[pair[1]]
        return Spread(seed_variance(apart), len(apart) - 1.0)


def _one(shared: Sequence[Spread]) -> Spread:
    """Of spreads that are no independent evidence: their mean, as one."""
    return Spread(sum(one.variance for one in shared) / len(shared), min(one.degrees for one in shared))


def _trainings(row: ResultRow) -> frozenset[str]:
    return frozenset(key for name, key in row.keys.items() if _step(name) in TRAININGS)


def _quantizers(row: ResultRow) -> frozenset[str]:
    named = row.keys if row.drawn is None else row.drawn
    if row.drawn is None and row.quantizer in EXACT:
        return frozenset()
    return frozenset(key for name, key in named.items() if _step(name) == "quantizer")


def _step(name: str) -> str:
    """The step of a name in `ResultRow.keys`: "fit" of "fit.2"."""
    return name.split(".")[0]


def _class(system: System) -> Class:
    """What systems have in common that are as random as each other."""
    row = system.rows[0]
    settings = tuple(sorted((key, value) for key, value in row.settings.items() if key.startswith("quantizer.")))
    return row.quantizer, row.search, row.encoder, settings
