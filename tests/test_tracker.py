"""Trackers: what Weights & Biases got of a run, read back from what its offline mode wrote; and what fails."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from runner import SMALL, results, run, spawn

from labrador import tracker
from labrador.errors import LabradorError
from labrador.results import ResultRow, read
from labrador.tracker import NoTracker, TrackedCell, Wandb, slug, summary

CONF = Path(__file__).resolve().parents[1] / "conf"
wandb = pytest.importorskip("wandb", reason="needs the extra `wandb`")


def records(folder):
    """The records of the only run that was tracked in `folder`, by wandb's own reader, as (type, content)."""
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [(line["type"], line[line["type"]]) for line in lines]


def table_of(folder, name):
    """The lines of the only wandb table of that name below a folder of a run."""
    (file,) = folder.glob(f"wandb/offline-run-*/files/media/table/{name}_*.table.json")
    table = json.loads(file.read_text())
    return [dict(zip(table["columns"], line, strict=True)) for line in table["data"]]


def images_of(folder):
    """The names of the figures of the only run that was tracked in `folder`, without the group before them."""
    files = folder.glob("wandb/offline-run-*/files/media/images/figures/beir-*.png")
    return {file.name.partition("-")[2].partition("_")[0] for file in files}


def records_of(found, kind):
    return [content for name, content in found if name == kind]


def figures_of(found):
    """The summary as it stands at the end."""
    merged = {}
    for part in records_of(found, "summary"):
        merged |= part.get("update", {})
    return merged


def settings_of(found):
    """The config as it stands at the end."""
    merged = dict(records_of(found, "run")[0]["config"]["update"])
    for part in records_of(found, "config"):
        merged |= part.get("update", {})
    return merged


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, beir):
    """A folder with a tracked sweep of two compressions of one training."""
    folder = tmp_path_factory.mktemp("tracked")
    cells = ["retriever=dpr", "quantizer=flat,lsh", "data=beir", f"data.path={beir}", *SMALL, "train.log_steps=1"]
    tracked = ["tracker=wandb", "tracker.mode=offline", "tracker.project=sleds", "tracker.tags=[a,b]"]
    done = spawn("-m", *cells, *tracked, "hydra.sweep.dir=multirun/it", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "multirun" / "it"


def test_cells_of_a_sweep_are_grouped_and_named(sweep):
    for number, quantizer in enumerate(("flat", "lsh")):
        found = records(sweep / str(number))
        (begun,) = records_of(found, "run")
        assert (begun["project"], begun["run_group"], begun["job_type"]) == ("sleds", "multirun/it", "cell")
        assert begun["display_name"] == f"dpr {quantizer} scan 0"
        assert sorted(begun["tags"]) == ["a", "b"]


def test_the_summary_has_the_rows_figures_by_the_rows_names(sweep):
    row = read(sweep / "1" / "result.json")
    figures = figures_of(records(sweep / "1"))
    assert figures["MRR@10"] == pytest.approx(row.metrics["MRR@10"])
    assert figures["R@20"] == pytest.approx(row.metrics["R@20"])
    assert figures["bytes_per_passage"] == row.bytes_per_passage == 4
    assert figures["latency_ms.p50"] == pytest.approx(row.latency_ms["p50"])
    assert figures["seconds.train"] == pytest.approx(row.seconds["train"])
    assert figures["qps"] == pytest.approx(row.qps)
    assert {"queries", "passages", "index_bytes", "disk_bytes"} <= set(figures)


def test_settings_and_artifact_keys_are_config(sweep):
    config = settings_of(records(sweep / "0"))
    assert config["keys"] == read(sweep / "0" / "result.json").keys
    assert config["chosen"]["retriever"] == "dpr"
    assert config["encoder"]["hidden"] == 32
    assert config["seed"] == 0
    assert config["retriever"]["temperature"] == config["encoder"]["temperature"]


@pytest.mark.parametrize("number", [0, 1])  # the second cell finds the training in the store
def test_the_training_curve_has_its_steps(sweep, number):
    found = records(sweep / str(number))
    points = [part["item"] for part in records_of(found, "history") if "train/dpr/loss" in part["item"]]
    (file,) = sweep.parents[1].glob("artifacts/fit/*/curve.jsonl")
    curve = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(p["train/dpr/step"], p["train/dpr/loss"]) for p in points] == [(p["step"], p["loss"]) for p in curve]
    assert [point["step"] for point in curve] == [1, 2]
    metrics = {part.get("glob_name", part.get("name")): part.get("step_metric") for part in records_of(found, "metric")}
    assert metrics["train/dpr/*"] == "train/dpr/step"


def test_the_sweep_has_its_table_and_figures(sweep):
    found = records(sweep)
    (begun,) = records_of(found, "run")
    assert (begun["run_group"], begun["job_type"]) == ("multirun/it", "comparison")
    lines = table_of(sweep, "results")
    assert sorted(line["quantizer"] for line in lines) == ["flat", "lsh"]
    assert all(line["MRR@10"] is not None and line["train.max_steps"] == "2" for line in lines)
    assert images_of(sweep) == {"quality-bytes", "quality-index", "quality-latency", "recall", "training"}
    assert "figures/beir-recall.path" in figures_of(found)
    assert images_of(sweep / "0") == set()  # they are of the sweep


def test_a_run_by_itself_has_its_table_and_figures(tmp_path, beir, monkeypatch):
    """And WANDB_MODE is respected."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    where = ["data=beir", f"data.path={beir}", *SMALL, "train.log_steps=1", "hydra.run.dir=here", "store=kept"]
    done = spawn("retriever=dpr", "tracker=wandb", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = records(tmp_path / "here")
    assert images_of(tmp_path / "here") == {"quality-bytes", "quality-index", "quality-latency", "recall", "training"}
    (line,) = table_of(tmp_path / "here", "result")
    row = read(tmp_path / "here" / "result.json")
    assert (line["retriever"], line["MRR@10"]) == ("dpr", pytest.approx(row.metrics["MRR@10"]))
    assert "run_group" not in records_of(found, "run")[0]


def test_the_tracker_has_no_part_in_a_result(sweep):
    rows = results(sweep)
    assert len(rows) == 2
    assert not any(key.startswith("tracker") for row in rows for key in row["settings"])
    manifests = "".join(path.read_text() for path in sweep.parents[1].glob("artifacts/*/*/manifest.json"))
    assert "wandb" not in manifests


def test_a_missing_package_is_reported_before_any_work(monkeypatch):
    monkeypatch.setattr(tracker, "PACKAGE", "no_such_package")
    with pytest.raises(LabradorError, match=r"pip install 'labrador\[wandb\]', or leave tracker=none"):
        Wandb().check()


def test_a_wrong_mode_is_reported_before_any_work(tmp_path, beir):
    where = ["data=beir", f"data.path={beir}", *SMALL, "tracker=wandb"]
    done = run("retriever=bm25", *where, "tracker.mode=later", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: tracker.mode=later: expected one of online, offline, disabled, or null\n"
    assert not (tmp_path / "artifacts").exists()


class Failing:
    """A wandb run whose network is gone."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        self.calls.append(name)
        raise wandb.errors.CommError("no network\nat all")


def test_curves_that_cannot_be_sent_are_reported_at_the_end_alone():
    failing = Failing()
    session = tracker.WandbSession(failing)
    session.curve("dpr", {"step": 1, "loss": 2.0})
    session.curve("dpr", {"step": 2, "loss": 1.0})
    assert failing.calls == ["define_metric"]  # not tried again
    with pytest.raises(LabradorError, match="no network at all"):
        session.finish(a_row(), None)


def test_a_cell_that_fails_reports_its_own_error(caplog):
    tracker.WandbSession(Failing()).fail()
    assert "could not send the end of a cell that failed (no network at all)" in caplog.text


def test_a_result_is_on_disk_before_it_is_sent(tmp_path, beir):
    """A tracker that fails at the end: exit code 2, and everything that the run wrote is there."""
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(CONF.parent)!r})  # where Hydra finds Labrador's plugins
from labrador import tracker
from labrador.errors import LabradorError

def finish(self, row, folder):
    raise LabradorError("tracker=wandb: the result was not sent")

tracker.Session.finish = finish
from labrador.launcher.launch import launch
sys.argv = ["run.py", "retriever=bm25", "data=beir", "data.path={beir}", "encoder=tiny", "hydra.run.dir=here"]
sys.exit(launch(Path({str(CONF)!r})))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith("error: tracker=wandb: the result was not sent\n")
    names = {path.name for path in (tmp_path / "here").iterdir()}
    assert {"result.json", "run.trec", "per_query.parquet", ".hydra"} <= names


def test_without_a_tracker_nothing_is_kept(tmp_path):
    none = NoTracker()
    none.check()
    session = none.start(TrackedCell("name", None, tmp_path, {}))
    session.curve("dpr", {"step": 1, "loss": 1.0})
    session.finish(a_row(), tmp_path)
    none.compare(tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def a_row():
    none = dict.fromkeys(("quantizer", "sampler", "search", "encoder", "commit"))
    cost = {"bytes_per_passage": None, "index_bytes": 9, "disk_bytes": 0, "latency_ms": {"p50": 2.0}, "qps": 3.0}
    where = {"retriever": "bm25", "data": "beir", "seed": 0, "queries": 5, "passages": 7, "threads": 1, "device": "cpu"}
    return ResultRow(**none, **cost, **where, metrics={"MRR@10": 0.5, "nDCG@10": None}, seconds={"train": 0}, keys={})


def test_unknown_figures_are_left_out():
    assert summary(a_row()) == {
        "seed": 0, "queries": 5, "passages": 7, "index_bytes": 9, "disk_bytes": 0, "qps": 3.0, "threads": 1,
        "MRR@10": 0.5, "latency_ms.p50": 2.0, "seconds.train": 0,
    }  # fmt: skip
    assert summary(replace(a_row(), qps=None)).keys().isdisjoint({"qps"})


def test_the_name_of_a_training_becomes_part_of_a_metrics_name():
    assert [slug(name) for name in ("dpr", "bidr, global", "dpr, first round")] == [
        "dpr",
        "bidr-global",
        "dpr-first-round",
    ]
