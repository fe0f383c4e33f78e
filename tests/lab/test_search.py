"""A ranking is the same on every machine; its cost belongs to one, and is measured while nothing else runs there."""

import dataclasses
import logging

import pytest
from layouts import write_layout

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.indexes.scan import Scan
from labrador.lab import Bench, Lab, Trained
from labrador.lab import search as module
from labrador.machine.hardware import Machine
from labrador.machine.measuring import working
from labrador.quantizers.lsh import LSH
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)


@pytest.fixture
def lab(tmp_path):
    store = Store(tmp_path / "store")
    source = Beir(path=str(write_layout("beir", tmp_path / "raw")))
    return Lab(Bench(store, prepare(source, store), TrainSettings(), 0))


def dense(lab):
    return lab.rank(Trained(search=lab.pretrained(ENCODER)), LSH(), Scan(k=10), "test")


def bm25(lab):
    return lab.rank_bm25(10, "test")


@pytest.fixture(params=[dense, bm25])
def rank(request, lab):
    return lambda: request.param(lab)


@pytest.fixture
def measured(monkeypatch):
    """How often a cost was measured, and whether what was measured had been warmed up."""
    calls = []

    def measure(search, queries, k, *, batch_size, warm):
        calls.append(warm)
        return {"latency_ms": {"p50": float(len(calls)), "p99": 2.0}, "qps": 3.0, "threads": 1}

    monkeypatch.setattr(module, "measure", measure)
    return calls


def on(monkeypatch, machine):
    monkeypatch.setattr(module, "this_machine", lambda device: machine)


HERE = Machine("Xeon", 2, 4, None)


def test_a_ranking_found_in_the_store_is_measured_on_another_machine_and_not_ranked(rank, measured, monkeypatch):
    on(monkeypatch, HERE)
    first = rank()
    assert rank().cost == first.cost
    assert measured == [True]  # once, and by the index that had just ranked
    searched = []
    monkeypatch.setattr(module, "search_batches", lambda *arguments: searched.append(arguments))
    on(monkeypatch, dataclasses.replace(HERE, processor="EPYC"))
    there = rank()
    assert (there.key, there.cost["latency_ms"]["p50"]) == (first.key, 2.0)
    assert measured == [True, False]
    on(monkeypatch, HERE)
    assert rank().cost == first.cost
    monkeypatch.setattr(module, "usable_threads", lambda: 7)
    assert rank().cost["latency_ms"]["p50"] == 3.0
    assert not searched


def test_a_cost_that_other_work_disturbed_is_marked_and_measured_again(rank, measured, caplog):
    with working(), caplog.at_level(logging.WARNING):
        assert rank().cost["disturbed"] is True
    assert "other runs of Labrador used this machine" in caplog.text
    with working():
        assert rank().cost["latency_ms"]["p50"] == 2.0
    quiet = rank()
    assert (quiet.cost["disturbed"], quiet.cost["latency_ms"]["p50"]) == (False, 3.0)
    with working():
        assert rank().cost == quiet.cost
    assert len(measured) == 3


def test_processes_on_unlike_machines_name_the_measurement_by_the_one_that_measures(lab, measured, monkeypatch):
    on(monkeypatch, HERE)
    monkeypatch.setattr(module.processes, "broadcast", lambda value: value.replace("Xeon", "EPYC"))
    bm25(lab)
    (measurement,) = (artifact for _, artifact in lab.bench.ledger.used.values() if artifact.step == "measurement")
    assert measurement.manifest["config"]["machine"]["processor"] == "EPYC"


def test_what_a_cost_reports(rank):
    cost = rank().cost
    assert set(cost) == {"latency_ms", "qps", "threads", "device", "disturbed"}
    assert cost["qps"] > 0
    assert cost["latency_ms"]["p50"] > 0
