"""The tests compared with answers worked out by hand, and with scipy."""

import itertools

import numpy as np
import pytest
import scipy.stats

from labrador.report.significance.paired import bootstrap_interval, differences, holm, randomisation_test, t_test

NAN = np.nan
ONE_PAIR = np.array([(0, 1)])


def generator(seed=0):
    return np.random.default_rng(seed)


def randomised(first, second, draws=10_000, seed=0):
    (p,) = randomisation_test(np.array([first, second], dtype=float), ONE_PAIR, generator(seed), draws)
    return p


@pytest.mark.parametrize(
    ("apart", "p"),
    [
        ([0.5, 0.25, 1.0], 2 / 8),  # all of one sign: only + + + and - - - are as large
        ([1.0, 1.0, -1.0], 8 / 8),  # |sum| = 1, the least that three odd numbers give
        ([3.0, 2.0, -1.0], 4 / 8),  # |sum| = 4: 3+2-1, 3+2+1 and their opposites
        ([1.0, 1.0, 1.0, -1.0], 10 / 16),  # |sum| = 2: one sign apart (4 + 4) or none (2)
        ([4.0, 3.0, 2.0, 1.0, 0.0], 4 / 32),  # |sum| = 10: the zero's sign is free
        ([4.0, 3.0, 2.0, -1.0, 1.0], 6 / 32),  # |sum| = 9 needs 11 or 9: +++++, ++++- and +++-+, and their opposites
        ([0.0, 0.0, 0.0], 1.0),
        ([1.0], 1.0),
        ([], 1.0),
    ],
)
def test_of_few_queries_every_swap_is_counted(apart, p):
    assert randomised(apart, np.zeros(len(apart))) == p
    assert randomised(np.zeros(len(apart)), apart) == p


def test_every_swap_is_what_plain_python_counts():
    rng = generator(1)
    values = rng.choice([0.0, 1 / 3, 0.5, 1.0], size=(2, 9))
    apart = values[0] - values[1]
    sums = [abs(np.dot(signs, apart)) for signs in itertools.product((1, -1), repeat=9)]
    expected = np.mean([total >= abs(apart.sum()) - 1e-12 for total in sums])
    assert randomised(*values) == expected


def test_equal_sums_in_another_order_count_as_equal():
    tenths = generator(1).integers(-5, 6, size=9)  # sums of whole numbers are exact, those of 0.1 and 0.2 are not
    assert randomised(tenths / 10, np.zeros(9)) == randomised(tenths, np.zeros(9))


def test_drawn_swaps_agree_with_all_of_them_and_with_scipy():
    values = generator(2).uniform(size=(2, 12)) + np.array([[0.12], [0.0]])
    exact = randomised(*values)
    assert 0.02 < exact < 0.5
    drawn = randomised(*values, draws=4000)
    assert drawn != exact
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))
    theirs = scipy.stats.permutation_test(
        values, lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert exact == pytest.approx(theirs.pvalue)


def test_drawn_p_is_one_plus_hits_over_one_plus_draws_and_the_same_again():
    apart = generator(3).uniform(0.5, 1.0, size=40)
    assert randomised(apart, np.zeros(40), draws=999) == 1 / 1000  # no draw of 999 has all 40 signs alike
    values = generator(4).uniform(size=(2, 100))
    assert randomised(*values, seed=5) == randomised(*values, seed=5)
    assert randomised(*values, seed=5) != randomised(*values, seed=6)


def test_many_pairs_at_once_are_the_pairs_one_by_one():
    values = generator(7).choice([0.0, 0.5, 1.0], size=(5, 60))
    values[1, :10] = values[2, 5:15] = NAN  # systems with scores for different queries
    pairs = np.array(list(itertools.combinations(range(5), 2)))
    together = randomisation_test(values, pairs, generator(), 700)
    for (first, second), p in zip(pairs, together, strict=True):
        counted = np.nan_to_num(values[first] - values[second])  # a query without a score adds nothing
        assert randomised(counted, np.zeros(60), 700) == p


def test_queries_that_either_lacks_are_left_out():
    first, second = [0.5, NAN, 0.25, 1.0, 0.7], [0.0, 1.0, 0.0, 0.0, NAN]
    assert randomised(first, second) == 2 / 8
    apart = differences(np.array([first, second]), ONE_PAIR)
    np.testing.assert_array_equal(apart, [[0.5, NAN, 0.25, 1.0, NAN]])
    theirs = scipy.stats.ttest_1samp([0.5, 0.25, 1.0], 0)
    assert t_test(apart)[0] == pytest.approx(theirs.pvalue)


def test_the_t_test_is_scipys_and_a_hand_worked_one():
    # 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 3.4641 with 2 degrees; p = 1 - t/sqrt(t^2+2) = 0.074180
    assert t_test(np.array([[1.0, 2.0, 3.0]]))[0] == pytest.approx(0.0741799, abs=1e-7)
    values = generator(8).normal(size=(2, 6, 50)) + 0.2
    theirs = scipy.stats.ttest_rel(values[0], values[1], axis=1)
    np.testing.assert_allclose(t_test(values[0] - values[1]), theirs.pvalue)


def test_t_tests_without_variance_or_queries():
    apart = np.array([[0.0, 0.0], [0.5, 0.5], [0.5, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(t_test(apart), [1.0, 0.0, NAN, NAN])


def test_the_interval_of_few_queries_is_the_one_of_every_resample():
    apart = np.array([0.0, 0.3, 1.0, -0.2])
    means = [np.mean(sample) for sample in itertools.product(apart, repeat=4)]
    low, high = bootstrap_interval(apart[None], generator(), 20_000)
    assert (low[0], high[0]) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.03)


def test_the_interval_is_scipys_and_narrower_at_a_lower_level():
    values = generator(9).normal(0.1, 1.0, size=(2, 300))
    low, high = bootstrap_interval(values, generator(), 5000)
    for row in range(2):
        theirs = scipy.stats.bootstrap((values[row],), np.mean, method="percentile", n_resamples=5000, rng=1)
        assert (low[row], high[row]) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)
    inner_low, inner_high = bootstrap_interval(values, generator(), 5000, level=0.5)
    assert (low < inner_low).all()
    assert (inner_high < high).all()


def test_the_interval_leaves_out_queries_without_a_score():
    apart = generator(10).normal(size=(2, 200))
    apart[1] = np.where(np.arange(200) < 100, 0.5, NAN)
    low, high = bootstrap_interval(apart, generator(), 300)
    assert low[1] == high[1] == 0.5  # with zeros in their place it would lie about 0.25
    alone, _ = bootstrap_interval(apart[:1], generator(), 300)
    assert low[0] == alone[0]


def test_holms_textbook_example():
    # 0.01 x 4, 0.02 x 3 (two of them: the second is raised to the first), 0.04 x 1 (raised likewise)
    np.testing.assert_allclose(holm(np.array([0.02, 0.04, 0.01, 0.02])), [0.06, 0.06, 0.04, 0.06])
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(holm(np.array([0.6, 0.5])), [1.0, 1.0])
    assert holm(np.array([0.03])) == 0.03
    assert holm(np.array([])).shape == (0,)
