"""What decides a training's key, and who sees its curve."""

import json
from dataclasses import replace

import pytest
from layouts import write_layout

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.lab import Bench, Lab
from labrador.lab.artifacts import trained_by
from labrador.losses.contrastive import Contrastive
from labrador.samplers.random import Random
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)


@pytest.fixture
def lab(tmp_path):
    store = Store(tmp_path / "store")
    corpus = prepare(Beir(path=str(write_layout("beir", tmp_path / "raw"))), store)
    return Lab(Bench(store, corpus, TrainSettings(max_steps=1, batch_size=4), 0))


def config(lab, checkpoint):
    """What the store says of how the checkpoint was made."""
    return lab.bench.ledger.used[checkpoint.key][1].manifest["config"]


def test_one_process_trains_the_same_gathered_or_not(lab):
    gathered = config(lab, lab.fit(ENCODER, Contrastive(), Random(), name="test"))
    alone = lab.with_settings(lab.settings, gathered=False)
    apart = config(lab, alone.fit(ENCODER, Contrastive(), Random(), name="test"))
    assert gathered.keys() == {"objective", "sampler", "settings", "seed", "drops"}
    assert apart == gathered  # one process has nothing to gather


@pytest.mark.parametrize(("dropout", "drops"), [(None, True), (0.1, True), (0.0, False)])
def test_processes_and_device_enter_the_key_of_a_training_where_numbers_are_dropped(monkeypatch, dropout, drops):
    settings = TrainSettings(dropout=dropout, precision="float32")
    alone = trained_by(settings, "cpu")
    assert alone.get("drops") == ({"processes": 1, "device": "cpu"} if drops else None)
    assert (trained_by(settings, "cuda:0") != alone) == drops
    assert trained_by(settings, "cuda:1") == trained_by(settings, "cuda:0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (trained_by(settings, "cpu") != alone) == drops


@pytest.mark.parametrize(("asked", "data", "drawn"), [("auto", "first", "first"), ("any", "first", "any")])
def test_which_positive_is_trained_on_enters_the_key_as_the_data_resolves_it(lab, asked, data, drawn):
    lab.bench.corpus.meta["positive"] = data
    checkpoint = lab.fit(ENCODER, Contrastive(), Random(positive=asked), name="test")
    assert config(lab, checkpoint)["sampler"]["positive"] == drawn


def test_a_watcher_sees_the_curve_as_it_grows_and_again_whole(lab):
    seen = []
    settings = TrainSettings(max_steps=3, batch_size=4, log_steps=1)
    watch = lambda name, entry: seen.append((name, entry["step"], entry["loss"]))  # noqa: E731
    lab = Lab(replace(lab.bench, settings=settings, watch=watch))
    checkpoint = lab.fit(ENCODER, Contrastive(), Random(), name="test")
    lines = (checkpoint.folder.parent / "curve.jsonl").read_text().splitlines()
    curve = [("test", entry["step"], entry["loss"]) for entry in map(json.loads, lines)]
    assert [step for _, step, _ in curve] == [1, 2, 3]
    assert [name_and_step[:2] for name_and_step in seen] == [name_and_step[:2] for name_and_step in curve * 2]
    assert [loss for *_, loss in seen] == pytest.approx([loss for *_, loss in curve * 2], abs=1e-3)
    seen.clear()
    lab.fit(ENCODER, Contrastive(), Random(), name="test")
    assert seen == curve  # found in the store
