"""What is said below a table of marks."""

import pytest

from labrador.report.significance.differences import Difference
from labrador.report.significance.explanation import explained


@pytest.fixture
def difference():
    def make(system, over="questions", **fields):
        values = {"difference": 0.01, "low": -0.01, "high": 0.03, "p": 0.04, "p_holm": 0.04, "p_randomisation": 0.04}
        values |= {
            "p_t": 0.04,
            "seed_error": None,
            "seeds_needed": None,
            "queries": 100,
            "metric": "MRR@10",
            "one_seed": (),
        }
        return Difference(system=system, baseline="dpr flat", over=over, **(values | fields))

    return make


@pytest.fixture
def baseline(row):
    from labrador.report.systems import System

    return [System("dpr flat", (row(), row(seed=1)), ())]


def test_how_it_was_tested(difference, baseline):
    (line,) = explained(baseline, [difference("a")], baseline)
    assert line == (
        "▲ better, ▼ worse than dpr flat: paired randomisation test over the questions (of each the mean over the "
        "seeds), two-sided, p < 0.05 after Holm's correction for 1 comparison"
    )
    (line,) = explained(baseline, [difference("a", "seeds and questions")] * 2, baseline)
    assert line.startswith("▲ better, ▼ worse than dpr flat: test over seeds and questions, two-sided")
    (line,) = explained(baseline, [difference("a", "seeds and questions")] * 2 + [difference("b")], baseline)
    assert "test over seeds and questions (2), or, where a seed draws no difference, paired" in line
    assert line.endswith("(1), two-sided, p < 0.05 after Holm's correction for 3 comparisons")


def test_why_one_seed_has_no_mark(difference, baseline):
    found = [difference(name, "one seed", p=None, p_holm=None, one_seed=("dpr flat", name)) for name in "abcdef"]
    (line,) = explained(baseline, found, baseline)
    assert line == (
        "No mark between dpr flat and a, b, c, d and 2 more: training, or fitting a quantizer, with another seed gives "
        "other figures, and one seed leaves open how far apart (of one: dpr flat, a, b, c and 3 more). No system "
        "here has several seeds to show how far they spread: run with seed=0,1,2"
    )


def test_how_many_seeds_it_would_take(difference, baseline):
    found = [
        difference("a", "one seed", seed_error=0.005, seeds_needed=4),
        difference("a", "one seed", seed_error=0.005, seeds_needed=9, metric="R@20"),
        difference("b", "one seed", seed_error=0.005, difference=-0.001),
    ]
    (line,) = explained(baseline, found, baseline)
    assert line.endswith(
        "By the spread over seeds of others here, a difference of that size takes about 4 for a (MRR@10 +0.0100), "
        "over 100 for b (MRR@10 -0.0010)"
    )
