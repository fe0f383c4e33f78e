"""The notes below a table of marks."""

import pytest

from labrador.report.significance.differences import Difference
from labrador.report.significance.explanation import explained


@pytest.fixture
def difference():
    def make(system, over="queries", **fields):
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
        "▲ significantly better, ▼ significantly worse than dpr flat: paired randomisation test over queries (on means "
        "over seeds), two-sided, p < 0.05 after Holm correction for 1 comparison"
    )
    (line,) = explained(baseline, [difference("a", "seeds and queries")] * 2, baseline)
    assert ": test over seeds and queries, two-sided" in line
    (line,) = explained(baseline, [difference("a", "seeds and queries")] * 2 + [difference("b")], baseline)
    assert "test over seeds and queries (2) or, where two systems share all that their seeds drew, paired" in line
    assert line.endswith("(1), two-sided, p < 0.05 after Holm correction for 3 comparisons")


def test_why_one_seed_has_no_mark(difference, baseline):
    found = [difference(name, "one seed", p=None, p_holm=None, one_seed=("dpr flat", name)) for name in "abcdef"]
    (line,) = explained(baseline, found, baseline)
    assert line == (
        "Not tested against dpr flat: a, b, c, d and 2 more. Another seed trains another encoder or fits another "
        "quantizer, and a single seed does not show how much that changes the scores (single seed: dpr flat, a, b, c "
        "and 3 more). No system here has several seeds to estimate it from: run with seed=0,1,2"
    )


def test_how_many_seeds_it_would_take(difference, baseline):
    found = [
        difference("a", "one seed", seed_error=0.005, seeds_needed=4),
        difference("a", "one seed", seed_error=0.005, seeds_needed=9, metric="R@20"),
        difference("b", "one seed", seed_error=0.005, difference=-0.001),
    ]
    (line,) = explained(baseline, found, baseline)
    assert line.endswith(
        "If seeds vary as they do in other systems here, detecting these differences takes about 4 for a "
        "(MRR@10 +0.0100), over 100 for b (MRR@10 -0.0010)"
    )
