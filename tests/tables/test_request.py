"""What the command line asks for, and what is wrong with it."""

import pytest

from labrador.errors import LabradorError
from labrador.tables.request import parse


def test_the_published_scale_with_seed_0():
    request = parse(["bpr_nq"])
    assert (request.table.name, request.scale, request.seeds, request.processes) == ("bpr_nq", "common", (0,), 1)
    assert request.comparable
    assert request.folder.as_posix() == "multirun/tables/bpr_nq/common"
    assert request.settings(request.table.cells[0]) == [
        *("data=nq", "encoder=bert_base", "encoder.segments=false", "train=paper"),
        *("train.weight_decay=0.0", "train.max_grad_norm=2.0", "train.warmup=0.06"),
        *("retriever=dpr", "sampler=ann_and_bm25", "train.warmup_steps=1237", "quantizer=flat", "search=scan"),
    ]


def test_the_command_line_wins_over_the_cell_and_the_cell_over_the_table():
    request = parse(
        ["bidr_quantization", "scale=small", "data=beir", "data.path=a,b", "search=two_stage", "seed=1,0"][:3]
    )
    assert request.settings(request.table.cells[0])[:2] == ["data=beir", "encoder=minilm"]
    request = parse(["bidr_quantization", "scale=small", "seed=1,0", "++search=two_stage", "quantizer.codebooks=8"])
    assert request.seeds == (1, 0)
    assert request.settings(request.table.cells[0]) == [
        *("data=pydocs", "encoder=minilm", "train=quick", "++search=two_stage"),
        *("retriever=dpr", "quantizer=pq", "quantizer.codebooks=8"),
    ]


def test_only_the_published_settings_are_comparable():
    assert parse(["bpr_nq", "seed=0,1", "device=cuda", "store=/big", "processes=8"]).comparable
    assert not parse(["bpr_nq", "scale=small"]).comparable
    assert not parse(["bpr_nq", "data.max_passages=1000"]).comparable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bpr"], "bpr: expected a published table .bidr_main, .*, pair_nq. or a YAML file"),
        (["nowhere.yaml"], "nowhere.yaml: expected a published table"),
        (["bpr_nq", "scale=big"], "scale=big: expected common or small"),
        (["bpr_nq", "small"], "small: expected KEY=VALUE"),
        (["bpr_nq", "quantizer=pq,opq"], "quantizer=pq,opq: expected one value"),
        (["bpr_nq", "seed=0,x"], "seed=x: expected a whole number from 0"),
        (["bpr_nq", "seed="], "seed=: expected a whole number from 0"),
        (["bpr_nq", "processes=0"], "processes=0: expected a whole number from 1"),
        (
            ["bpr_nq", "baseline=New DPR HNSW (faiss, 141 GB)"],
            r"baseline=New DPR HNSW \(faiss, 141 GB\): expected a cell of bpr_nq that runs: new-dpr-flat, ",
        ),
    ],
)
def test_faults_are_reported_before_any_work(arguments, message):
    with pytest.raises(LabradorError, match=message):
        parse(arguments)


def test_a_list_is_one_value():
    assert parse(["bpr_nq", "data.packages=[numpy,pandas]"]).overrides == ("data.packages=[numpy,pandas]",)


@pytest.mark.parametrize("name", ["New DPR flat", "new-dpr-flat"])
def test_the_baseline_is_a_cell_by_its_name_or_that_of_its_folder(name):
    request = parse(["bpr_nq", f"baseline={name}"])
    assert request.baseline == "New DPR flat"
    assert request.overrides == ()
    assert request.comparable
    assert parse(["bpr_nq"]).baseline is None
