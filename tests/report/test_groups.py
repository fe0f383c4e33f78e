"""Systems by the data they were scored on."""

from pathlib import Path

from labrador.report.groups import groups, with_metric
from labrador.report.systems import systems


def grouped(rows):
    return groups(systems({Path(f"{number}/result.json"): row for number, row in enumerate(rows)}))


def test_one_group_for_each_data_in_the_tables_order(row):
    beir, nq = grouped(
        [row(data="nq"), row(data="beir", seed=0), row(data="beir", seed=1), row(data="beir", quantizer="pq")]
    )
    assert beir.name == "beir, 12,034 passages, 1,210 queries"
    assert [len(system.rows) for system in beir.systems] == [2, 1]
    assert (beir.slug, nq.slug) == ("beir", "nq")


def test_two_groups_of_one_name_have_different_slugs(row):
    found = grouped([row(passages=100), row(passages=200, quantizer="pq"), row(passages=200)])
    assert [(group.slug, len(group.systems)) for group in found] == [("pydocs-100-1210", 1), ("pydocs-200-1210", 2)]


def test_metrics_are_those_that_any_system_has(row):
    (group,) = grouped([row(), row(quantizer="pq", metrics={"MRR@10": None, "R@20": 0.5, "nDCG@10": None})])
    assert group.metrics == ["MRR@10", "R@20"]
    assert group.metric([]) == "MRR@10"
    assert group.metric(["nDCG@10", "R@20"]) == "R@20"
    assert group.metric(["nDCG@10"]) is None


def test_groups_without_the_metrics_asked_for_are_left_out_and_noted(row):
    beir, nq = grouped([row(data="nq", metrics={"MRR@10": None, "R@20": 0.5}), row(data="beir")])
    assert with_metric([beir, nq], ["MRR@10"]) == (
        [(beir, "MRR@10")],
        ["nq: left out, none of its systems has MRR@10"],
    )
    assert with_metric([beir, nq], ["nDCG@10", "R@20"]) == ([(beir, "R@20"), (nq, "R@20")], [])
    assert with_metric([beir, nq], []) == ([(beir, "MRR@10"), (nq, "R@20")], [])


def test_the_baseline_of_a_group(row):
    beir, nq = grouped([row(data="nq"), row(data="beir")])
    assert beir.chosen([*nq.systems, *beir.systems]) == beir.systems[0]
    assert beir.chosen(nq.systems) is None


def test_data_of_one_name_and_size_is_distinguished_by_its_content(row):
    found = grouped([row(data_fingerprint="aaaabbbbcccc"), row(data_fingerprint="ddddeeeeffff")])
    assert [(group.name, group.slug) for group in found] == [
        ("pydocs, 12,034 passages, 1,210 queries, aaaabb", "pydocs-12034-1210-aaaabb"),
        ("pydocs, 12,034 passages, 1,210 queries, ddddee", "pydocs-12034-1210-ddddee"),
    ]


def test_a_name_of_any_characters_names_files(row):
    first, second = grouped([row(data="a/b c"), row(data="../..")])
    assert (first.slug, second.slug) == ("data", "a-b-c")
