"""Systems compared with a baseline and with each other, from the files of their runs."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import scipy.stats

from labrador.errors import LabradorError
from labrador.report.significance import differences
from labrador.report.significance.differences import against, matrix
from labrador.report.systems import systems

QUERIES = 200


@pytest.fixture
def measured(row, tmp_path):
    """A function that writes rows with per-query scores and returns their systems."""

    def make(cells, **fields):
        rows = {}
        for number, (quantizer, seed, figures, *keys) in enumerate(cells):
            folder = tmp_path / f"{len(list(tmp_path.iterdir()))}-{number}"
            folder.mkdir()
            means = {"MRR@10": float(np.nanmean(figures)), "R@20": None}
            shape = {name: value for name, value in fields.items() if name != "metrics"}
            shape |= {"keys": keys[0]} if keys else {}
            made = row(quantizer=quantizer, seed=seed, metrics=means | fields.get("metrics", {}), **shape)
            columns = {"qid": [f"q{n}" for n in range(len(figures))], "MRR@10": figures, "R@1": figures > 0.9}
            columns["R@1"] = np.asarray(columns["R@1"], dtype=float)
            parquet.write_table(pa.table(columns), folder / "per_query.parquet")
            rows[folder / "result.json"] = made
        return systems(rows)

    return make


@pytest.fixture
def figures():
    """Scores of a baseline, of a better system, and of one that hardly differs."""
    rng = np.random.default_rng(0)
    base = rng.choice([0.0, 0.25, 0.5, 1.0], QUERIES)
    better = np.minimum(base + rng.choice([0.0, 0.0, 0.5], QUERIES), 1.0)
    noise = np.clip(base + rng.normal(0, 0.05, QUERIES), 0, 1)
    return base, better, noise


def test_differences_to_a_baseline(measured, figures):
    base, better, noise = figures
    found = measured([("flat", 0, base), ("pq", 0, better), ("lsh", 0, noise)])
    assert [system.label for system in found] == ["dpr flat", "dpr lsh", "dpr pq"]
    none, more = against(found, [found[0]], ["MRR@10"])
    assert (more.system, more.baseline, more.metric, more.queries) == ("dpr pq", "dpr flat", "MRR@10", QUERIES)
    assert more.difference == pytest.approx(np.mean(better - base))
    assert more.low < more.difference < more.high
    assert more.p_t == pytest.approx(scipy.stats.ttest_rel(better, base).pvalue)
    assert more.p_randomisation == pytest.approx(1 / 10_001)
    assert more.p_holm == pytest.approx(2 / 10_001)  # the smaller of two
    assert more.significant
    assert none.p_holm == none.p_randomisation > 0.05
    assert not none.significant
    assert none.low < 0 < none.high


def test_the_baseline_may_stand_anywhere_and_figures_are_means_over_seeds(measured, figures):
    base, better, noise = figures
    found = measured([("flat", 0, base), ("flat", 1, better), ("lsh", 0, noise)])
    (one,) = against(found[:1], [found[1]], ["MRR@10"])
    assert (one.system, one.baseline) == ("dpr flat", "dpr lsh")
    assert one.difference == pytest.approx(np.mean((base + better) / 2 - noise))


def test_metrics_are_corrected_together_and_come_in_order(measured, figures):
    base, better, noise = figures
    metrics = {"metrics": {"R@1": 0.5}}
    found = measured([("flat", 0, base), ("lsh", 0, noise), ("pq", 0, better)], **metrics)
    compared = against(found, [found[0]], ["R@1", "MRR@10", "R@20"])  # they have no R@20
    assert [(one.system, one.metric) for one in compared] == [
        (system, metric) for system in ("dpr lsh", "dpr pq") for metric in ("R@1", "MRR@10")
    ]
    smallest = min(compared, key=lambda one: one.p_randomisation)
    assert smallest.p_holm == pytest.approx(4 * smallest.p_randomisation)
    assert against(found, [found[0]], ["R@20"]) == []
    assert against(found[:1], [found[0]], ["MRR@10"]) == []


def test_every_data_is_tested_against_its_own_baseline_and_all_are_corrected_together(measured, figures):
    base, better, noise = figures
    cells = [("flat", 0, base), ("pq", 0, better), ("lsh", 0, noise)]
    found = [
        replace(system, label=f"{system.label} {passages}")
        for passages in (100, 200)
        for system in measured(cells, passages=passages)
    ]
    compared = against(found, [found[3], found[0]], ["MRR@10"])
    assert [(one.system, one.baseline) for one in compared] == [
        (f"dpr {quantizer} {passages}", f"dpr flat {passages}")
        for passages in (100, 200)
        for quantizer in ("lsh", "pq")
    ]
    assert sorted(one.p_holm for one in compared)[:2] == [pytest.approx(4 / 10_001)] * 2
    assert [one.sign for one in compared] == [0, 1, 0, 1]


def test_draws_grow_with_the_differences_of_all_data_together(measured, figures, monkeypatch):
    monkeypatch.setattr(differences, "DRAWS", 10)
    monkeypatch.setattr(differences, "DRAWS_PER_TEST", 40)
    base, better, _ = figures
    found = [
        replace(system, label=f"{system.label} {passages}")
        for passages in range(6)
        for system in measured([("flat", 0, base), ("pq", 0, better)], passages=passages)
    ]
    compared = against(found, found[::2], ["MRR@10"])
    assert {one.p_randomisation for one in compared} == {1 / (1 + 40 * 6)}
    assert all(one.sign == 1 for one in compared)  # 41 draws could detect no difference among six


def test_queries_without_a_score_are_left_out(measured, figures):
    base, better, _ = figures
    base, better = base.copy(), better.copy()
    base[:10] = better[5:20] = np.nan
    found = measured([("flat", 0, base), ("pq", 0, better)])
    (one,) = against(found, [found[0]], ["MRR@10"])
    assert one.queries == QUERIES - 20
    assert one.difference == pytest.approx(np.mean(better[20:] - base[20:]))


def test_systems_scored_on_different_queries_are_named_by_their_files(measured, figures):
    base, better, _ = figures
    found = measured([("flat", 0, base), ("pq", 0, better[:-1])])
    expected = (
        f"{found[0].files[0]} .200. and {found[1].files[0]} .199. were scored on different queries: q199 is in only one"
    )
    with pytest.raises(LabradorError, match=expected):
        against(found, [found[0]], ["MRR@10"])
    with pytest.raises(LabradorError, match=expected):
        matrix(found, "MRR@10")


def test_all_pairs(measured, figures):
    base, better, noise = figures
    found = measured([("flat", 0, base), ("lsh", 0, noise), ("pq", 0, better)])
    compared = matrix(found, "MRR@10")
    assert (compared.metric, compared.labels) == ("MRR@10", ("dpr flat", "dpr lsh", "dpr pq"))
    assert compared.differences[2, 0] == pytest.approx(np.mean(better - base))
    np.testing.assert_array_equal(compared.differences, -compared.differences.T)
    np.testing.assert_array_equal(compared.p_holm, compared.p_holm.T)
    np.testing.assert_array_equal(np.diag(compared.p_holm), 1.0)
    assert compared.p_holm[2, 0] == pytest.approx(3 / 10_001)
    assert compared.p_holm[1, 0] > 0.05


def test_a_matrix_of_one_and_of_none(measured, figures):
    found = measured([("flat", 0, figures[0])])
    assert matrix(found, "MRR@10").p_holm.tolist() == [[1.0]]
    with pytest.raises(LabradorError, match=r"R@20: expected a metric of these results: MRR@10"):
        matrix(found, "R@20")


def fits(label, seed):
    return {"fit": f"{label}{seed}"}


def test_trainings_of_one_seed_have_an_interval_and_no_mark(measured, figures):
    base, better, noise = figures
    cells = [("flat", 0, base, fits("dpr", 0)), ("sq8", 0, noise, fits("bpr", 0)), ("rabitq", 0, better, {"bm25": "x"})]
    found = measured(cells)
    untrained, one = against(found, [found[0]], ["MRR@10"])
    assert {one.over, untrained.over} == {"one seed"}  # the baseline is trained
    assert (untrained.one_seed, one.one_seed) == (("dpr flat",), ("dpr sq8", "dpr flat"))
    assert (untrained.p, untrained.p_holm, untrained.sign) == (None, None, 0)
    assert untrained.p_randomisation == pytest.approx(1 / 10_001)  # of these very runs
    assert untrained.low < untrained.difference < untrained.high
    assert (untrained.seed_error, untrained.seeds_needed) == (None, None)  # nothing here shows how much seeds vary
    compared = matrix(found, "MRR@10")
    assert np.isnan(compared.p_holm[0, 1:]).all()
    np.testing.assert_array_equal(np.diag(compared.p_holm), 1.0)


def test_the_same_method_with_another_seed_is_no_difference(measured, figures):
    base, _, noise = figures
    lucky = noise + 0.02  # as if a seed were worth two points
    cells = [("flat", 0, base, fits("dpr", 0)), ("flat", 1, lucky, fits("dpr", 1))]
    cells += [("sq8", 0, lucky, fits("bpr", 0)), ("sq8", 1, lucky, fits("bpr", 1))]
    found = measured(cells)
    (one,) = against(found, [found[0]], ["MRR@10"])
    assert one.over == "seeds and queries"
    assert one.p_randomisation < 0.001
    assert one.p > 0.2
    assert one.low < 0 < one.high


def test_the_spread_of_seeds_and_of_queries_by_hand(measured, figures):
    base, better, _ = figures
    cells = [("flat", 0, base, fits("dpr", 0)), ("flat", 1, base + 0.01, fits("dpr", 1)), ("sq8", 0, better, {})]
    found = measured(cells, search=None)
    (one,) = against(found, [found[0]], ["MRR@10"])
    apart = better - base - 0.005
    seeds = 0.01**2 / 2 / 2  # variance of two means 0.01 apart, of the mean of two: 1 degree of freedom
    queries = np.var(apart, ddof=1) / QUERIES
    reach = [scipy.stats.t.ppf(0.975, df) ** 2 * part for df, part in ((1, seeds), (QUERIES - 1, queries))]
    assert one.seed_error == pytest.approx(seeds**0.5)
    assert one.high - one.difference == pytest.approx(sum(reach) ** 0.5)
    assert one.difference == pytest.approx(apart.mean())
    assert one.p == one.p_holm
    assert one.seeds_needed == 2
    assert matrix(found, "MRR@10").p_holm[1, 0] == pytest.approx(one.p)


def test_one_training_is_compared_over_the_queries_and_corrected_with_the_others(measured, figures):
    base, better, noise = figures
    cells = [
        (quantizer, seed, values, fits("dpr", seed))
        for quantizer, values in (("flat", base), ("sq8", better))
        for seed in (0, 1)
    ]
    cells += [("lsh", seed, noise, fits("bpr", seed)) for seed in (0, 1)]
    cells += [("pq", 0, noise, fits("pair", 0))]
    found = measured(cells)
    compared = {one.system: one for one in against(found, [found[0]], ["MRR@10"])}
    assert [one.over for one in compared.values()] == ["seeds and queries", "one seed", "queries"]
    shared = compared["dpr sq8"]
    assert shared.p == shared.p_randomisation == pytest.approx(1 / 10_001)
    assert shared.p_holm == pytest.approx(2 * shared.p)  # two are tested
    assert shared.sign == 1
    assert compared["dpr pq"].seed_error is not None
