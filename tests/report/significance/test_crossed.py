"""The test over seeds and queries: worked out by hand, compared with Student's, and how often it is wrong."""

import numpy as np
import pytest
import scipy.stats

from labrador.report.significance.crossed import (
    Variance,
    crossed_interval,
    crossed_test,
    interaction,
    pooled,
    seed_variance,
    seeds_needed,
)

NAN = np.nan


def p_of(difference, *parts):
    variances, degrees = zip(*parts, strict=True)
    (p,) = crossed_test(np.array([difference]), np.array([variances]), np.array([degrees], dtype=float))
    return p


def test_the_variance_of_seeds_by_hand():
    # means 0.5 and 0.7: variance 0.02. Without row and column means -0.1, +0.1 / +0.1, -0.1 remain: 0.04 / 1 / (2 x 2)
    figures = np.array([[0.2, 0.8], [0.6, 0.8]])
    assert seed_variance(figures) == pytest.approx(0.02)
    assert interaction(figures) == pytest.approx(0.01)
    assert interaction(figures[:1]) == 0.0
    one_without_a_score = np.array([[0.2, NAN, 0.8], [0.6, 0.9, 0.8]])
    assert seed_variance(one_without_a_score) == pytest.approx(0.02)
    assert interaction(one_without_a_score) == pytest.approx(0.01)


def test_estimates_are_pooled_by_their_degrees_of_freedom():
    assert pooled([Variance(4.0, 1), Variance(1.0, 2)]) == Variance(2.0, 3)


def test_one_part_alone_is_students_test():
    assert p_of(3.0, (4.0, 5)) == pytest.approx(2 * scipy.stats.t.sf(1.5, 5))
    assert p_of(-3.0, (4.0, np.inf), (0.0, 1)) == pytest.approx(2 * scipy.stats.norm.sf(1.5))


def test_two_parts_add_the_squares_of_their_halves():
    # at 5 %: 4.302653^2 x 1 + 1.959964^2 x 4 = 33.87866, the square of 5.820538
    assert p_of(5.820538, (1.0, 2), (4.0, np.inf)) == pytest.approx(0.05, abs=1e-6)
    low, high = crossed_interval(np.array([1.0]), np.array([[1.0, 4.0]]), np.array([[2.0, np.inf]]))
    assert (low[0], high[0]) == (pytest.approx(1 - 5.820538, abs=1e-5), pytest.approx(1 + 5.820538, abs=1e-5))


def test_differences_without_variance():
    assert p_of(0.0, (0.0, 1)) == 1.0
    assert p_of(0.1, (0.0, 1)) == pytest.approx(1e-16)
    assert p_of(0.0, (1.0, 1)) == 1.0


def test_seeds_needed_by_hand():
    # 2 systems, SD 0.0035 by the seed, queries 0.002. 3 seeds: sqrt(2.7764^2 x 2 x 0.0035^2 / 3 + 1.96^2 x 0.002^2)
    # = 0.00885, and 0.8416 x sqrt(2 x 0.0035^2 / 3 + 0.002^2) = 0.00294: 0.0118. 4 seeds: 0.00722 + 0.00268 = 0.0099
    needed = [seeds_needed(d, 2 * 0.0035**2, 0.002**2, 2, 0.05) for d in (0.0119, 0.0117, 0.0100, 0.0098, -0.0119)]
    assert needed == [3, 4, 4, 5, 3]
    assert seeds_needed(0.003, 2 * 0.0035**2, 0.002**2, 2, 0.05) is None  # the queries alone vary too much


# Standard deviations as measured (benchmarks/README.md): a seed moves MRR@10 by 0.0032 and the score of one query by
# 0.0755; two methods' queries differ by 0.1 and more.
SEED, ANSWER = 0.0032, 0.0755
WORLDS = 20_000


def marked(seeds, queries, methods, others=0, gain=0.0, uneven=1.0):
    """The share of differences between two systems that are significant, and how many are over queries alone.

    methods: the standard deviation of a query's difference between the two; others: systems that share their variance;
    uneven: the ratio of the second system's standard deviation over seeds to the first's.
    """
    rng = np.random.default_rng([seeds, queries, others])
    spread = SEED * np.array([1.0, uneven, *[1.0] * others])[:, None]
    means = rng.normal(size=(WORLDS, 2 + others, seeds)) * np.hypot(spread, ANSWER / queries**0.5)
    difference = np.diff(means[:, :2].mean(axis=2))[:, 0] + rng.normal(size=WORLDS) * methods / queries**0.5 + gain
    own = means.var(axis=2, ddof=1)
    degrees = (2 + others) * (seeds - 1.0)
    noise = 2 * ANSWER**2 / seeds / queries
    of_queries = (methods**2 / queries + noise) * chi(rng, queries - 1)
    beyond = np.maximum(of_queries - noise * chi(rng, 2 * (queries - 1) * (seeds - 1)), 0)
    parts = [np.maximum(own[:, k], own.mean(axis=1)) / seeds for k in (0, 1)] + [beyond]
    df = np.broadcast_to([degrees, degrees, queries - 1.0], (WORLDS, 3))
    low, high = crossed_interval(difference, np.stack(parts, axis=1), df)
    alone = np.abs(difference) > 1.96 * of_queries**0.5
    return np.mean((low > 0) | (high < 0)), alone.mean()


def chi(rng, degrees):
    return rng.chisquare(degrees, WORLDS) / degrees


@pytest.mark.parametrize("others", [0, 3])
@pytest.mark.parametrize("methods", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("queries", [50, 437, 2759, 7000])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_at_most_one_in_twenty_of_no_differences_is_marked(seeds, queries, methods, others):
    share, _ = marked(seeds, queries, methods, others)
    assert share <= 0.05


@pytest.mark.parametrize(("queries", "share"), [(437, 0.14), (2759, 0.42), (7000, 0.60)])
def test_the_queries_alone_would_mark_many_more(queries, share):
    assert marked(2, queries, 0.0)[1] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(("seeds", "others", "most"), [(2, 0, 0.05), (5, 0, 0.05), (2, 3, 0.075), (5, 3, 0.065)])
def test_a_system_twice_as_uneven_as_the_others_hardly_matters(seeds, others, most):
    assert marked(seeds, 2759, 0.0, others, uneven=2.0)[0] < most


@pytest.mark.parametrize(
    ("seeds", "others", "power"), [(2, 0, 0.27), (3, 0, 0.58), (5, 0, 0.86), (2, 3, 0.45), (3, 3, 0.69), (5, 3, 0.89)]
)
def test_the_power_for_a_gain_of_one_point(seeds, others, power):
    assert marked(seeds, 2759, 0.1, others, gain=0.01)[0] == pytest.approx(power, abs=0.02)
