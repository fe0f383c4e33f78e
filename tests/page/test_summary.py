"""The table and the chart of a page, as values."""

import pytest
from made_runs import make_runs

from labrador.page.summary import summary
from labrador.report.comparison import compare
from labrador.report.groups import groups
from labrador.results import find


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    found = compare(find([make_runs(tmp_path_factory.mktemp("made"))]), ["MRR@10", "R@5"], "dpr flat")
    (group,) = groups(found.systems)
    return found, summary(group, found.metrics, found.differences)


def column(value, head):
    place = next(number for number, each in enumerate(value["columns"]) if each["head"] == head)
    return [system["cells"][place] for system in value["systems"]], value["best"][place], value["columns"][place]


def test_cells_are_means_with_spreads_and_tests(made):
    found, value = made
    cells, best, head = column(value, "MRR@10")
    assert head == {"head": "MRR@10", "title": "MRR@10", "part": "quality", "best": "highest"}
    for cell, system in zip(cells, found.systems, strict=True):
        assert cell[0] == pytest.approx(system.mean("MRR@10"))
        assert (cell[2] != "") == (len(system.rows) > 1)
    assert best == f"{max(system.mean('MRR@10') for system in found.systems):.3f}"
    one = next(d for d in found.differences if (d.system, d.metric) == ("bm25", "MRR@10"))
    assert cells[0][4] == [one.difference, one.low, one.high, one.p_holm, one.queries, "seeds and queries"]
    assert cells[0][3] == (-1 if one.significant else 0)
    assert len(cells[[system.label for system in found.systems].index("dpr flat")]) == 4  # the baseline


def test_parts_of_the_table(made):
    _, value = made
    parts = {each["title"]: each["part"] for each in value["columns"]}
    assert (parts["system"], parts["retriever"], parts["seed"]) == ("system", "setting", "setting")
    assert (parts["bytes/passage"], parts["index size"]) == ("size", "size")
    assert (parts["ms/query p50"], parts["queries/s"]) == ("speed", "speed")
    assert "nDCG@10" not in parts  # no system has it


def test_what_the_chart_and_the_filters_need(made):
    _, value = made
    flat = next(system for system in value["systems"] if system["label"] == "dpr flat")
    assert flat["costs"] == {
        "bytes_per_passage": [1536.0, "1,536"],
        "index_bytes": [1536 * 60, "92.2 kB"],
        "latency_ms": [2.0, "2.00"],
    }
    assert [(cost["title"], cost["apart"]) for cost in value["costs"]] == [
        ("bytes/passage", True),
        ("index size", True),
        ("ms/query p50", False),
    ]
    mean, low, high = flat["quality"]["MRR@10"]
    assert low <= mean <= high
    assert value["metrics"] == ["MRR@10", "R@5"]
    assert value["baseline"] == "dpr flat"
    assert flat["cells"][0] == ["dpr flat", "dpr flat", "", 0]
    assert value["filters"] == ["retriever", "quantizer", "search", "sampler", "encoder"]


def test_timings_disturbed_by_other_runs_are_marked(tmp_path):
    found = compare(find([make_runs(tmp_path, disturbed=True)]), ["MRR@10"])
    (group,) = groups(found.systems)
    value = summary(group, found.metrics, found.differences)
    cells, best, _ = column(value, "ms/query\np50")
    assert all(cell[1].endswith("~") for cell in cells)
    assert best is None
    assert value["remarks"] == ["~ timed while other runs were using the machine: rerun on an idle machine"]
    labels = {cost["name"]: cost["label"] for cost in value["costs"]}
    assert labels["latency_ms"].endswith("; some timed while other runs were using the machine")
