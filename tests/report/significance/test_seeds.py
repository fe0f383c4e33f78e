"""What the seeds of two systems drew, and how much their scores vary."""

from pathlib import Path

import numpy as np
import pytest

from labrador.report.significance.crossed import crossed_test
from labrador.report.significance.differences import Comparisons
from labrador.report.significance.seeds import Drawn, SeedVariances
from labrador.report.systems import System

SAME = np.array([[0.2, 0.8], [0.6, 0.8]])  # means 0.5 and 0.7: variance 0.02
EVEN = np.array([[0.5, 0.5], [0.5, 0.5]])


@pytest.fixture
def system(row):
    """A function that makes a system from the keys of each seed and those that were drawn (None = not recorded)."""

    def make(label, *seeds, **fields):
        rows = tuple(
            row(seed=seed, keys=keys, drawn=drawn, **({"quantizer": "flat"} | fields))
            for seed, (keys, drawn) in enumerate(seeds)
        )
        return System(label, rows, tuple(Path(f"/{label}/{seed}/result.json") for seed in range(len(seeds))))

    return make


@pytest.fixture
def trained(system):
    """A function that makes a system whose every seed was trained and has a quantizer, drawn or not."""

    def make(training, quantizer="flat", seeds=2, drawn=False):
        of_seeds = []
        for seed in range(seeds):
            keys = {"fit": f"{training}{seed}", "quantizer": f"{quantizer}{training}{seed}"}
            of_seeds.append((keys, keys if drawn else {"fit": keys["fit"]}))
        return system(f"{training} {quantizer}", *of_seeds, quantizer=quantizer)

    return make


@pytest.fixture
def untrained(system):
    """A function that makes a system without training."""

    def make(quantizer="flat", seeds=2, drawn=False):
        named = [{"quantizer": f"{quantizer}{seed}"} for seed in range(seeds)]
        return system(
            f"pretrained {quantizer}", *((keys, keys if drawn else {}) for keys in named), quantizer=quantizer
        )

    return make


def chance(*systems, figures=None):
    """Of the first two of the systems."""
    family = SeedVariances(systems, figures or [SAME[: len(system.rows)] for system in systems])
    return family.chance(0, 1)


def test_what_a_row_does_not_record_is_taken_from_its_keys(system):
    keys = {"data": "d", "fit": "f", "fit.2": "g", "teacher": "t", "quantizer": "q", "ranking": "r"}
    drawn = Drawn.of(system("old", (keys, None), quantizer="pq"))
    assert drawn == Drawn((frozenset("fgt"),), (frozenset("q"),))
    for exact in ("flat", "sq8"):
        assert Drawn.of(system("old", (keys, None), quantizer=exact)).quantizers == (frozenset(),)
    assert Drawn.of(system("new", (keys, {"fit": "f"}), quantizer="pq")).quantizers == (frozenset(),)


def test_systems_that_draw_nothing_are_compared_over_the_queries(untrained):
    assert chance(untrained(seeds=1), untrained("sq8", seeds=1)).over == "queries"
    assert chance(untrained(seeds=1), untrained("sq8", seeds=2)).over == "queries"


def test_one_training_under_two_exact_quantizers_is_compared_over_the_queries(trained):
    assert chance(trained("dpr", seeds=1), trained("dpr", "sq8", seeds=1)).over == "queries"
    assert chance(trained("dpr"), trained("dpr", "sq8")).over == "queries"
    learned_with_it = trained("bpr", "hash")  # another key, but only the training was drawn
    assert chance(trained("bpr"), learned_with_it).over == "queries"


def test_one_seed_cannot_distinguish_two_trainings(trained, untrained):
    one = trained("dpr", seeds=1)
    found = chance(one, trained("bpr"))
    assert found.over == "one seed"
    assert found.single == (one,)
    assert chance(one, untrained(seeds=1)).single == (one,)
    assert chance(one, trained("bpr", seeds=1)).per_seed is None  # no system shows it


def test_nor_two_drawn_quantizers(trained, untrained):
    drawn = trained("dpr", "pq", seeds=1, drawn=True)
    assert chance(trained("dpr", seeds=1), drawn).single == (drawn,)
    assert chance(untrained(), untrained("pq", seeds=1, drawn=True)).over == "one seed"


def test_two_trainings_contribute_the_variance_of_their_seeds(trained):
    found = chance(trained("dpr"), trained("bpr"), figures=[SAME, EVEN])
    assert found.over == "seeds and queries"
    # pooled 0.01 of 2 degrees; dpr's own 0.02 is larger. Two seeds each: half of it is the variance of a mean
    assert [(part.value, part.degrees) for part in found.parts] == [
        (pytest.approx(0.01), 2),
        (pytest.approx(0.005), 2),
    ]
    assert found.interaction == pytest.approx(0.01)
    assert (found.per_seed, found.drawn) == (pytest.approx(0.03), 2)


def test_systems_of_the_same_compression_share_their_variance(trained):
    others = [trained("bidr"), trained("pair"), trained("pair", "pq", drawn=True)]
    found = chance(trained("dpr"), trained("bpr"), *others, figures=[EVEN, EVEN, SAME, EVEN, 9 * SAME])
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx(0.0025), 4)] * 2


def test_a_quantizer_on_untrained_vectors_shares_its_variance_too(trained, untrained):
    found = chance(
        untrained("pq", drawn=True), untrained(), trained("dpr", "pq", drawn=True), figures=[EVEN, EVEN, SAME]
    )
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx(0.005), 2)]


def test_one_training_counts_once(trained):
    again = System("dpr again", trained("dpr").rows, trained("dpr").files)
    found = chance(trained("dpr"), trained("bpr"), again, figures=[SAME, EVEN, EVEN])
    assert found.parts[1].value * 2 == pytest.approx(0.005)  # dpr 0.01, bpr 0
    assert found.parts[1].degrees == 2


def test_a_system_that_draws_nothing_contributes_no_variance(trained, untrained):
    found = chance(untrained(), trained("dpr"), figures=[EVEN, SAME])
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx(0.01), 1)]
    assert found.drawn == 1


def test_one_training_under_a_drawn_quantizer_has_the_variance_of_its_differences(trained):
    pq = SAME + np.array([[0.1, 0.3], [0.1, 0.1]])  # minus the training's own: 0.2 and 0.1, variance 0.005
    found = chance(trained("dpr"), trained("dpr", "pq", drawn=True), figures=[SAME, pq])
    assert found.over == "seeds and queries"
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx(0.0025), 1)]
    more = [trained("bpr"), trained("bpr", "pq", drawn=True)]
    theirs = EVEN + np.array([[0.3], [0.1]])  # variance of the differences 0.02
    found = chance(trained("dpr"), trained("dpr", "pq", drawn=True), *more, figures=[SAME, pq, EVEN, theirs])
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx((0.005 + 0.02) / 4), 2)]


def test_two_quantizers_drawn_without_training_are_separate_draws(untrained):
    found = chance(untrained("pq", drawn=True), untrained("opq", drawn=True), figures=[SAME, EVEN])
    assert [(part.value, part.degrees) for part in found.parts] == [(pytest.approx(0.01), 1), (0.0, 1)]


def test_one_seed_has_the_variance_of_other_systems(trained):
    found = chance(trained("dpr", seeds=1), trained("bpr"), figures=[SAME[:1], SAME])
    assert found.per_seed == pytest.approx(0.04)
    drawn = trained("dpr", "pq", seeds=1, drawn=True)
    found = chance(trained("dpr", seeds=1), drawn, trained("bpr"), figures=[SAME[:1], SAME[:1], SAME])
    assert found.per_seed == pytest.approx(0.02)  # no system shows that of pq


WORLDS, QUERIES = 1000, 800


@pytest.mark.parametrize("seeds", [2, 3])
def test_two_trainings_of_one_method_differ_at_most_once_in_twenty(trained, seeds):
    # a seed moves the mean by 0.0032, and a query by 0.0755, as measured
    rng = np.random.default_rng(seeds)
    pair = [trained("one", seeds=seeds), trained("other", seeds=seeds)]
    chances, values = [], []
    for _ in range(WORLDS):
        hard = rng.uniform(size=QUERIES)
        figures = [hard + rng.normal(0, 0.0032, (seeds, 1)) + rng.normal(0, 0.0755, (seeds, QUERIES)) for _ in range(2)]
        chances.append(SeedVariances(pair, figures).chance(0, 1))
        values += [one.mean(axis=0) for one in figures]
    pairs = np.arange(2 * WORLDS).reshape(-1, 2)
    table = Comparisons([("MRR@10", *pair)] * WORLDS, pairs, np.array(values), chances)
    p = crossed_test(table.apart.mean(axis=1), *table.parts(table.apart))
    assert 0.01 < np.mean(p < 0.05) <= 0.05
    assert np.mean(table.over_queries(199) < 0.05) > 0.15  # over queries alone many would differ
