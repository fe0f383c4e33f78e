"""The published tables: every cell composes and its parts fit together, on the paper's data and on a laptop."""

from pathlib import Path

import pytest
import yaml
from test_conf import roles_of

from labrador.data.msmarco import MsMarco
from labrador.metrics.scores import METRICS

ROOT = Path(__file__).resolve().parents[1]
TABLES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "experiments").glob("*.yaml"))}
FIGURES = {"bytes_per_passage", "query_ms"}
CELLS = [(table, cell) for table, content in TABLES.items() for cell in content["cells"]]
every_cell = pytest.mark.parametrize(("table", "cell"), CELLS, ids=lambda value: str(value)[:60])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_it_is_and_what_it_needs(name):
    table = TABLES[name]
    assert table.keys() == {"title", "source", "needs", "common", "small", "cells"}
    assert table["needs"].keys() == {"gpus", "gpu_memory_gb", "disk_gb", "hours"}
    names = [cell["name"] for cell in table["cells"]]
    assert len(names) == len(set(names))


@every_cell
def test_a_cell_has_published_figures_by_the_names_of_a_result_row(table, cell):
    assert cell.keys() == {"name", "overrides", "published"}
    metrics = {name for name in cell["published"] if name not in FIGURES}
    assert metrics
    assert all(name.startswith(("R@", "MRR@", "Success@")) for name in metrics)
    assert all(isinstance(value, (int, float)) for value in cell["published"].values())


@every_cell
@pytest.mark.parametrize("size", ["common", "small"])
def test_a_cell_composes_and_its_parts_fit_together(table, cell, size, monkeypatch):
    if cell["overrides"] is None:
        return
    monkeypatch.setattr("labrador.encoders.hub.HubEncoder.width", lambda self: 768)  # no download
    monkeypatch.setattr("labrador.encoders.hub.HubEncoder.check", lambda self: None)
    monkeypatch.setattr("labrador.labels.teacher.TrainedTeacher.load", lambda self: None)
    parts = roles_of(*TABLES[table][size], *cell["overrides"])
    parts["retriever"].check(parts["quantizer"], parts["search"])


def parts_of_cell(table, name, size="common"):
    (cell,) = (cell for cell in TABLES[table]["cells"] if cell["name"] == name)
    return roles_of(*TABLES[table][size], *cell["overrides"])


def trained(parts):
    """Batch, learning rate, weight decay, clip, warmup as a share and in steps."""
    train = parts["train"]
    rates = train.batch_size, train.learning_rate, train.weight_decay
    return *rates, train.max_grad_norm, train.warmup, train.warmup_steps


def test_the_published_trainings():
    bpr = parts_of_cell("bpr_nq", "New BPR binary flat")
    assert trained(bpr) == (128, 2e-5, 0.0, 2.0, 0.06, None)
    assert (bpr["encoder"].segments, bpr["sampler"].from_start, bpr["sampler"].with_bm25) == (True, True, True)
    dpr = parts_of_cell("dpr_nq", "DPR (March 2021)")
    assert trained(dpr)[:4] == (128, 2e-5, 0.0, 2.0)
    assert trained(dpr)[5] == 1237
    assert parts_of_cell("bpr_nq", "New DPR flat")["sampler"] == dpr["sampler"] == bpr["sampler"]
    assert not dpr["encoder"].segments
    assert not parts_of_cell("bpr_nq", "New DPR flat")["encoder"].segments
    bidr = parts_of_cell("bidr_main", "BiDR snowball")
    assert (*trained(bidr)[:4], trained(bidr)[5]) == (1024, 1e-4, 0.01, 1.0, 1000)
    documents = parts_of_cell("bidr_main_doc", "BiDR snowball")
    assert (*trained(documents)[:4], trained(documents)[5]) == (160, 5e-5, 0.01, 1.0, 1000)
    assert documents["data"].text == "url_title_body"
    pair = parts_of_cell("pair_msmarco", "PAIR")
    assert trained(pair) == (4096, 3e-5, 0.01, 1.0, 0.1, None)
    assert (pair["train"].optimizer, pair["encoder"].segments) == ("lamb", True)
    pair = parts_of_cell("pair_nq", "PAIR")
    assert trained(pair) == (4096, 3e-5, 0.0, 1.0, 0.1, None)
    assert (pair["retriever"].second_batch_size, pair["retriever"].negatives) == (512, "in_batch")


def test_the_negatives_of_bidrs_rivals():
    assert parts_of_cell("bidr_main", "DPR + DiskANN")["sampler"].negatives == 0  # in-batch negatives alone
    for table in ("bidr_main", "bidr_main_doc"):
        star = parts_of_cell(table, "STAR + DiskANN")["sampler"]
        assert (star.mined_by, star.depth, star.from_start) == ("checkpoint", 200, False)


def test_pairs_figures_on_msmarco_are_what_its_rows_have():
    for cell in TABLES["pair_msmarco"]["cells"]:
        assert cell["published"].keys() - FIGURES <= {*METRICS, *MsMarco.also_scored}


def test_the_papers_settings_of_bpr():
    parts = roles_of(*TABLES["bpr_nq"]["common"], *TABLES["bpr_nq"]["cells"][2]["overrides"])
    train, encoder, retriever = parts["train"], parts["encoder"], parts["retriever"]
    assert (train.batch_size, train.learning_rate, train.epochs) == (128, 2e-5, 40)
    assert (train.max_grad_norm, train.warmup) == (2.0, 0.06)
    assert (encoder.pooling, encoder.shared, encoder.normalize, encoder.max_passage_length) == (
        "cls",
        False,
        False,
        256,
    )
    loss = retriever.objective
    assert (loss.alpha, loss.gamma, loss.temperature, loss.hash_layer) == (0.1, 0.1, 1.0, "none")
    assert parts["search"].candidates == 1000
