"""Rows of several seeds in one."""

import pytest

from labrador.report.averages import average


def test_figures_and_costs_are_means_and_words_stay(row):
    rows = [
        row(qps=100.0, latency_ms={"p50": 1.0, "p99": None}, metrics={"MRR@10": 0.5, "R@1": 0.1}, index_bytes=10),
        row(
            qps=200.0, latency_ms={"p50": 2.0, "p99": 3.0}, metrics={"MRR@10": 0.7, "R@1": None}, index_bytes=13, seed=3
        ),
    ]
    mean = average(rows, {"MRR@10": 0.2}, {"MRR@10": -1})
    assert mean.qps == 150
    assert mean.index_bytes == 11.5
    assert mean.latency_ms == {"p50": 1.5, "p99": None}  # one of them has none
    assert mean.metrics == {"MRR@10": pytest.approx(0.6), "R@1": None}
    assert (mean.retriever, mean.bytes_per_passage, mean.threads) == ("dpr", 1536.0, 2)
    assert (mean.seeds, mean.spreads, mean.signs) == ((0, 3), {"MRR@10": 0.2}, {"MRR@10": -1})


def test_machines_that_differ_are_both_named(row):
    assert average([row(), row(device="cuda"), row()], {}, {}).device == "cpu, cuda"


def test_the_metrics_kept_come_in_the_order_asked_for(row):
    metrics = {"MRR@10": 0.5, "R@1": 0.1, "R@20": 0.9}
    assert list(average([row(metrics=metrics)], {}, {}, ["R@20", "MRR@10", "R@5"]).metrics.items()) == [
        ("R@20", 0.9),
        ("MRR@10", 0.5),
        ("R@5", None),
    ]


def test_what_differs_between_the_machines_of_seeds_is_listed_and_not_averaged(row):
    one, other = {"processor": "Xeon", "cores": 8}, {"processor": "Xeon", "cores": 2, "gpu": "H100"}
    mean = average([row(machine=one), row(machine=other, seed=1)], {}, {})
    assert mean.machine == {"processor": "Xeon", "cores": "8, 2", "gpu": "None, H100"}
