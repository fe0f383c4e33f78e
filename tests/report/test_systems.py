"""Cells over their seeds, and their labels."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from labrador.errors import LabradorError
from labrador.report.systems import baselines, systems


def rows_of(*rows):
    return {Path(f"/runs/{number}/result.json"): row for number, row in enumerate(rows)}


def labels(*rows):
    return [system.label for system in systems(rows_of(*rows))]


def test_rows_that_differ_in_the_seed_alone_are_one_system(row):
    other = {"commit": "beef", "device": "cuda", "threads": 8, "qps": 3.0, "seconds": {"train": 9.0}, "keys": {}}
    found = systems(
        rows_of(
            row(seed=1, metrics={"MRR@10": 0.5, "R@20": None}, **other),
            row(quantizer="pq", bytes_per_passage=48.0),
            row(seed=0, metrics={"MRR@10": 0.7, "R@20": 0.8}),
        )
    )
    assert [(system.label, system.seeds) for system in found] == [("dpr flat", (0, 1)), ("dpr pq", (0,))]
    assert found[0].files == (Path("/runs/2/result.json"), Path("/runs/0/result.json"))
    assert found[0].mean("MRR@10") == pytest.approx(0.6)
    assert found[0].spread("MRR@10") == pytest.approx(0.2)
    assert found[0].mean("R@20") is None  # a seed lacks it
    assert found[0].spread("R@20") is None
    assert found[1].mean("MRR@10") == 0.6
    assert found[1].spread("MRR@10") is None  # of one seed
    assert found[1].mean("R@7") is None


@pytest.mark.parametrize(
    "change",
    [
        *({name: "other"} for name in ("retriever", "quantizer", "sampler", "search", "data", "encoder")),
        *({"sampler": None}, {"passages": 9}, {"queries": 9}, {"train": "paper"}, {"settings": {"train.epochs": "3"}}),
    ],
)
def test_rows_of_other_cells_are_other_systems(row, change):
    assert len(systems(rows_of(row(), row(seed=1, **change)))) == 2


def test_of_a_seed_that_was_run_twice_the_first_counts(row):
    (system,) = systems(rows_of(row(qps=1.0), row(qps=2.0)))
    assert [row.qps for row in system.rows] == [1.0]


def test_systems_come_in_the_tables_order(sweep):
    assert labels(*sweep) == ["bm25", "dpr flat", "dpr lsh", "dpr pq", "pretrained flat"]


def test_a_label_has_what_distinguishes_systems_and_no_more(row):
    same = {"settings": {"train.epochs": "3"}}
    two = row(retriever="bidr", quantizer="learned_pq", search="two_stage", sampler="snowball", **same)
    assert labels(two, row(**same)) == ["bidr learned_pq", "dpr flat"]
    scan = row(retriever="bidr", quantizer="learned_pq", sampler=None, **same)
    assert labels(two, scan) == ["bidr learned_pq scan", "bidr learned_pq two_stage"]
    walk = row(retriever="bidr", quantizer="learned_pq", search="two_stage", sampler="random_walk", **same)
    assert labels(two, scan, walk) == [
        "bidr learned_pq scan",
        "bidr learned_pq two_stage sampler=random_walk",
        "bidr learned_pq two_stage sampler=snowball",
    ]


def test_distinguishing_settings_are_named_by_their_last_part_if_that_is_enough(row):
    bits = [row(quantizer="hash", settings={"quantizer.bits": bits}) for bits in ("128", "64")]
    assert labels(*bits, row()) == ["dpr flat", "dpr hash bits=64", "dpr hash bits=128"]
    both = [
        row(settings={"quantizer.codebooks": "16"}),
        row(settings={"quantizer.codebooks": "16", "retriever.codebooks": "8"}),
        row(),
    ]
    assert labels(*both) == [
        "dpr flat",
        "dpr flat quantizer.codebooks=16",
        "dpr flat quantizer.codebooks=16 retriever.codebooks=8",
    ]


def test_data_of_two_sizes_is_distinguished(row):
    assert labels(row(), row(passages=30000), row(data="nq")) == [
        "dpr flat nq 12,034 passages",
        "dpr flat pydocs 12,034 passages",
        "dpr flat pydocs 30,000 passages",
    ]


def written(folder: Path, row, **columns):
    folder.mkdir()
    row.write(folder / "result.json")
    if columns:
        parquet.write_table(
            pa.table({name.replace("MRR", "MRR@10"): v for name, v in columns.items()}), folder / "per_query.parquet"
        )
    return {folder / "result.json": row}


def test_per_query_scores_are_means_over_seeds_in_any_order(row, tmp_path):
    rows = written(tmp_path / "0", row(), qid=["b", "c", "a"], MRR=[1.0, None, 0.5])
    rows |= written(tmp_path / "1", row(seed=1), qid=["a", "b", "c"], MRR=[0.0, 1.0, None])
    qids, values = systems(rows)[0].per_query("MRR@10")
    assert qids == ["a", "b", "c"]
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [0.25, 1.0, np.nan])


def test_seeds_scored_on_different_queries_are_an_error(row, tmp_path):
    rows = written(tmp_path / "0", row(), qid=["a", "b"], MRR=[1.0, 0.5])
    rows |= written(tmp_path / "1", row(seed=1), qid=["a", "z"], MRR=[0.0, 1.0])
    with pytest.raises(LabradorError, match=f"{tmp_path}/0/result.json .* and {tmp_path}/1/result.json .*b is in only"):
        systems(rows)[0].per_query("MRR@10")


def test_missing_scores_are_an_error(row, tmp_path):
    (system,) = systems(written(tmp_path / "0", row()))
    with pytest.raises(
        LabradorError, match=f"{tmp_path}/0/per_query.parquet: .*expected.*run that cell again"
    ) as caught:
        system.per_query("MRR@10")
    assert "\n" not in str(caught.value)
    (tmp_path / "0" / "per_query.parquet").write_text("no parquet")
    with pytest.raises(LabradorError, match=r"per_query\.parquet: expected the scores of each query"):
        system.per_query("MRR@10")
    (system,) = systems(written(tmp_path / "1", row(), qid=["a"], MRR=[1.0]))
    with pytest.raises(LabradorError, match=r"R@7: expected a metric of this file: MRR@10"):
        system.per_query("R@7")


def test_a_baseline_is_named_by_its_label_or_by_words_that_only_it_has(row):
    found = systems(
        rows_of(
            row(),
            row(quantizer="hash"),
            row(quantizer="hash", search="two_stage"),
            row(quantizer="hash", settings={"quantizer.bits": "64"}),
        )
    )
    assert [system.label for system in found] == [
        "dpr flat scan",
        "dpr hash scan",
        "dpr hash scan bits=64",
        "dpr hash two_stage",
    ]
    data = row().scored_on
    for wanted, number in {"dpr flat": 0, "flat dpr": 0, "dpr hash scan": 1, "bits=64": 2, "hash two_stage": 3}.items():
        assert baselines(found, wanted) == {data: found[number]}
    assert baselines(found, "quantizer.bits=64") == {data: found[2]}
    with pytest.raises(
        LabradorError, match=r"--baseline 'dpr hash': expected one system, it matches 3: 'dpr hash scan', "
    ):
        baselines(found, "dpr hash")
    for wanted in ("bm25", "dp", ""):
        with pytest.raises(
            LabradorError, match=f"--baseline '{wanted}': .*'dpr flat scan', 'dpr hash scan', .*_stage'$"
        ):
            baselines(found, wanted)


def test_every_data_has_its_own_baseline(row):
    found = systems(
        rows_of(row(data="nq"), row(data="msmarco"), row(data="nq", quantizer="pq"), row(data="trivia", quantizer="pq"))
    )
    chosen = baselines(found, "dpr flat")
    assert {data.name: system.label for data, system in chosen.items()} == {
        "nq": "dpr flat nq",
        "msmarco": "dpr flat msmarco",
    }


def test_a_label_that_does_not_name_data_names_a_system_on_each(row):
    unused = {"quantizer": None, "search": None, "sampler": None, "encoder": None}
    found = systems(
        rows_of(*(row(data=data, **more) for data in ("nq", "beir") for more in ({}, {"retriever": "bm25", **unused})))
    )
    assert {system.label for system in baselines(found, "bm25").values()} == {"bm25 beir", "bm25 nq"}  # a sampler, too
    assert [system.label for system in baselines(found, "bm25 nq").values()] == ["bm25 nq"]


def test_of_a_cell_timed_again_the_row_counts_that_nothing_disturbed(row):
    found = {"a": row(disturbed=True), "b": row(latency_ms={"p50": 0.1}), "c": row(latency_ms={"p50": 0.2})}
    (system,) = systems({Path(name) / "result.json": each for name, each in found.items()})
    assert system.files == (Path("b/result.json"),)
    assert system.rows == (found["b"],)


def test_rows_of_two_data_of_one_name_and_size_are_never_one_system(row):
    """As a sweep over data.path=A,B of two folders of the same name leaves them."""
    found = systems(rows_of(row(data_fingerprint="aaaabbbbcccc"), row(seed=1, data_fingerprint="ddddeeeeffff")))
    assert [(system.label, system.seeds) for system in found] == [
        ("dpr flat fingerprint=aaaabb", (0,)),
        ("dpr flat fingerprint=ddddee", (1,)),
    ]
    assert found[0].data != found[1].data


def test_one_content_under_two_names_is_one_data(row):
    same = {"data_fingerprint": "aaaabbbbcccc"}
    (system,) = systems(rows_of(row(data="A", **same), row(data="copy", seed=1, **same)))
    assert system.seeds == (0, 1)
    flat, pq = systems(rows_of(row(data="A", **same), row(data="copy", quantizer="pq", **same)))
    assert (flat.label, pq.label) == ("dpr flat", "dpr pq")
    assert flat.data == pq.data


def test_what_was_learned_from_distinguishes_systems_on_the_same_queries(row):
    same = {"data_fingerprint": "aaaabbbbcccc"}
    less, more = row(data="A", trained_on="1111111111", **same), row(data="B", trained_on="2222222222", **same)
    assert labels(less, more) == ["dpr flat A", "dpr flat B"]
    other = row(data="A", trained_on="3333333333", **same)
    assert labels(less, other) == ["dpr flat trained_on=111111", "dpr flat trained_on=333333"]


def test_two_trainings_are_two_systems_named_by_their_options(row):
    trained = [row(train=train, components={"train.epochs": n}) for train, n in (("quick", "1"), ("paper", "40"))]
    assert labels(*trained, row(retriever="bm25", quantizer=None)) == [
        "bm25",
        "dpr flat train=paper",
        "dpr flat train=quick",
    ]


def test_settings_that_alone_distinguish_systems_are_named(row):
    """As when somebody changed an option's YAML between two runs."""
    before, after = (row(train="quick", components={"train.max_steps": steps}) for steps in ("60", "200"))
    assert labels(before, after) == ["dpr flat max_steps=60", "dpr flat max_steps=200"]


def test_what_decides_a_result_counts_and_not_how_it_was_asked_for(row):
    """A folder's path spelled in two ways, say: the weights are the same."""
    weights = {"components": {"encoder.weights": "abcabcabcabc"}}
    (system,) = systems(
        rows_of(
            row(settings={"encoder.model": "m"}, **weights), row(seed=1, settings={"encoder.model": "./m"}, **weights)
        )
    )
    assert system.seeds == (0, 1)
