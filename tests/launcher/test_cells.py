"""The cells of a sweep: each once, without settings that its options do not have."""

import logging
from pathlib import Path

import pytest
from layouts import write_layout
from runner import results, run

from labrador.composed import GROUPS
from labrador.errors import LabradorError
from labrador.launcher.cells import Option, distinct, forced

OPTIONS = {"flat": [], "pq": ["codebooks", "centroids"], "lsh": ["bits"]}


def options_of(choices):
    """As if `quantizer` were the only group, flat its default, and bpr set hash."""
    chosen = dict(choice.split("=") for choice in choices)
    name = chosen.get("quantizer", "hash" if chosen.get("retriever") == "bpr" else "flat")
    return {"quantizer": Option(name, OPTIONS.get(name, ["bits", "alpha"]))}


def test_a_setting_is_left_out_where_an_option_lacks_it_and_each_cell_is_run_once(caplog):
    cells = [[f"quantizer={name}", f"++quantizer.codebooks={n}"] for name in ("flat", "pq") for n in (4, 8)]
    with caplog.at_level(logging.INFO):
        assert distinct(cells, options_of) == [
            ["quantizer=flat"],
            ["quantizer=pq", "quantizer.codebooks=4"],
            ["quantizer=pq", "quantizer.codebooks=8"],
        ]
    assert caplog.messages == [
        "quantizer.codebooks: left out of the cells of flat, which have no such setting",
        "3 cells instead of 4: equal ones run once",
    ]


def test_an_option_that_another_group_sets_counts_too():
    cells = [[f"retriever={name}", "++quantizer.bits=64"] for name in ("dpr", "bpr")]
    assert distinct(cells, options_of) == [["retriever=dpr"], ["retriever=bpr", "quantizer.bits=64"]]


def test_what_is_no_setting_of_a_group_stays_as_it_is():
    cell = ["seed=0", "+quantizer.bits=8", "~tracker", "hydra.sweep.dir=x.y", "store=a.b", "quantizer=lsh"]
    assert distinct([cell], options_of) == [[*cell[:1], "quantizer.bits=8", *cell[2:]]]


def test_a_setting_that_no_option_has_is_told_with_those_there_are(caplog):
    cells = [[f"quantizer={name}", f"quantizer.codebook={n}"] for name in ("flat", "pq") for n in (4, 8)]
    with caplog.at_level(logging.INFO), pytest.raises(LabradorError) as caught:
        distinct(cells, options_of)
    assert str(caught.value) == (
        "quantizer.codebook=4,8: no such setting; quantizer=flat has none; quantizer=pq has codebooks, centroids"
    )
    assert caplog.messages == []


def test_settings_of_groups_alone_are_forced_past_the_default_options():
    given = ["-m", "quantizer=pq", "quantizer.bits=8,16", "+train.foo=1", "hydra.sweep.dir=x", "seed=0,1"]
    assert forced(given, GROUPS) == [*given[:2], "++quantizer.bits=8,16", *given[3:]]


def test_a_sweep_runs_each_distinct_cell_in_a_folder_of_its_own(tmp_path):
    write_layout("beir", tmp_path / "raw")
    where = ["data=beir", "data.path=raw", "encoder=tiny", "device=cpu", "hydra.sweep.dir=swept"]
    cells = ["retriever=pretrained", "quantizer=flat,pq", "quantizer.codebooks=4,8", "quantizer.centroids=16"]
    done = run("-m", *cells, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = results(tmp_path / "swept")
    assert [(row["quantizer"], row["settings"].get("quantizer.codebooks")) for row in rows] == [
        ("flat", None),
        ("pq", "4"),
        ("pq", "8"),
    ]
    assert sorted(path.name for path in (tmp_path / "swept").iterdir()) == ["0", "1", "2", "multirun.yaml"]
    words = Path(tmp_path / "swept/0/.hydra/overrides.yaml").read_text()
    assert "codebooks" not in words
    done = run("-m", *cells, *where, "quantizer.codebook=4", "hydra.sweep.dir=other", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: quantizer.codebook=4: no such setting; quantizer=flat has none; quantizer=pq")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "other").exists()
