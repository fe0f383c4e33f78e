"""Systems by what they were measured on."""

from pathlib import Path

from labrador.report.groups import groups, telling
from labrador.report.systems import systems


def grouped(rows):
    return groups(systems({Path(f"{number}/result.json"): row for number, row in enumerate(rows)}))


def test_one_group_for_each_data_in_the_tables_order(row):
    beir, nq = grouped(
        [row(data="nq"), row(data="beir", seed=0), row(data="beir", seed=1), row(data="beir", quantizer="pq")]
    )
    assert beir.name == "beir, 12,034 passages, 1,210 questions"
    assert [len(system.rows) for system in beir.systems] == [2, 1]
    assert (beir.slug, nq.slug) == ("beir", "nq")


def test_two_groups_of_one_name_are_told_apart(row):
    found = grouped([row(passages=100), row(passages=200, quantizer="pq"), row(passages=200)])
    assert [(group.slug, len(group.systems)) for group in found] == [("pydocs-100-1210", 1), ("pydocs-200-1210", 2)]


def test_metrics_are_those_that_a_system_can_tell(row):
    (group,) = grouped([row(), row(quantizer="pq", metrics={"MRR@10": None, "R@20": 0.5, "nDCG@10": None})])
    assert group.metrics == ["MRR@10", "R@20"]
    assert group.metric([]) == "MRR@10"
    assert group.metric(["nDCG@10", "R@20"]) == "R@20"
    assert group.metric(["nDCG@10"]) is None


def test_groups_that_can_tell_no_metric_asked_for_are_left_out_and_told(row):
    beir, nq = grouped([row(data="nq", metrics={"MRR@10": None, "R@20": 0.5}), row(data="beir")])
    assert telling([beir, nq], ["MRR@10"]) == (
        [(beir, "MRR@10")],
        ["nq: left out, none of its systems can tell MRR@10"],
    )
    assert telling([beir, nq], ["nDCG@10", "R@20"]) == ([(beir, "R@20"), (nq, "R@20")], [])
    assert telling([beir, nq], []) == ([(beir, "MRR@10"), (nq, "R@20")], [])


def test_the_baseline_of_a_group(row):
    beir, nq = grouped([row(data="nq"), row(data="beir")])
    assert beir.chosen([*nq.systems, *beir.systems]) == beir.systems[0]
    assert beir.chosen(nq.systems) is None


def test_data_of_one_name_and_size_are_told_apart_by_their_content(row):
    found = grouped([row(data_fingerprint="aaaabbbbcccc"), row(data_fingerprint="ddddeeeeffff")])
    assert [(group.name, group.slug) for group in found] == [
        ("pydocs, 12,034 passages, 1,210 questions, aaaabb", "pydocs-12034-1210-aaaabb"),
        ("pydocs, 12,034 passages, 1,210 questions, ddddee", "pydocs-12034-1210-ddddee"),
    ]


def test_a_name_of_any_characters_names_files(row):
    first, second = grouped([row(data="a/b c"), row(data="../..")])
    assert (first.slug, second.slug) == ("data", "a-b-c")
