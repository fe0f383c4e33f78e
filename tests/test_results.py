"""Result rows: written, read, found, and told apart from anything else."""

import json

import pytest
from made_runs import make_row

from labrador.errors import LabradorError
from labrador.results import ResultRow, find, read


@pytest.fixture
def row():
    """A function that makes a row; its keywords replace fields."""
    return make_row


def test_what_is_written_is_read(row, tmp_path):
    written = row(settings={"quantizer.codebooks": "24"}, encoder="minilm")
    written.write(tmp_path / "result.json")
    assert read(tmp_path / "result.json") == written
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_the_record_is_flat_and_has_a_version(row):
    record = json.loads(row().to_json())
    assert record["version"] == 1
    assert record["metrics"] == {"MRR@10": 0.6, "R@20": 0.8, "nDCG@10": None}
    assert record["settings"] == {}


def test_whole_numbers_do_for_figures(row, tmp_path):
    text = row(qps=9, bytes_per_passage=48).to_json()
    assert ResultRow.from_json(text, tmp_path).qps == 9


def test_rows_with_and_without_the_stages_of_a_search_are_read(row, tmp_path):
    for number, latency in enumerate(
        ({"p50": 2.5, "p99": 4.0}, {"p50": 2.5, "p99": 4.0, "candidates": 2, "rerank": 0.5})
    ):
        row(latency_ms=latency).write(tmp_path / f"{number}.json")
        assert read(tmp_path / f"{number}.json").latency_ms == latency


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("latency_ms"), "latency_ms: the key is missing"),
        (lambda r: r.update(speed=3), "speed: unknown key; the keys are retriever, quantizer"),
        (lambda r: r.update(version=2), "version 2: a result row of version 1 was expected"),
        (lambda r: r.pop("version"), "version None"),
        (lambda r: r.update(queries="many"), "queries='many': int was expected"),
        (lambda r: r.update(queries=True), "queries=True"),
        (lambda r: r.update(qps=False), "qps=False"),
        (lambda r: r.update(metrics=[1]), r"metrics=\[1\]"),
        (lambda r: r.update(metrics={"MRR@10": "high"}), "metrics=.*high"),
        (lambda r: r.update(retriever=None), "retriever=None: str was expected"),
    ],
)
def test_a_broken_row_names_the_file_and_the_key(row, tmp_path, change, message):
    record = json.loads(row().to_json())
    change(record)
    file = tmp_path / "result.json"
    file.write_text(json.dumps(record))
    with pytest.raises(LabradorError, match=f"{file}: {message}") as caught:
        read(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b'{"retriever": "dp', b"[]", b'"row"', b"\xff\xfe"])
def test_what_is_no_row_is_told(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(LabradorError, match=r"result\.json.*row.*expected"):
        read(tmp_path / "result.json")


def test_rows_are_found_at_any_depth_once(row, tmp_path):
    for place, quantizer in (("a/0", "flat"), ("a/1", "pq"), ("b", "lsh")):
        (tmp_path / place).mkdir(parents=True)
        row(quantizer=quantizer).write(tmp_path / place / "result.json")
    found = find([tmp_path / "a", tmp_path, tmp_path / "b" / "result.json"])
    assert [row.quantizer for row in found.values()] == ["flat", "pq", "lsh"]
    assert next(iter(found)) == tmp_path / "a" / "0" / "result.json"


def test_a_cell_that_was_run_again_is_one_row(row, tmp_path):
    for place, made in (("0", row()), ("1", row(commit="beef")), ("2", row(seed=1))):
        (tmp_path / place).mkdir()
        made.write(tmp_path / place / "result.json")
    assert [row.seed for row in find([tmp_path]).values()] == [0, 1]


def test_a_cell_timed_again_is_one_row(row, tmp_path):
    """Timed twice while other runs used the machine, then in peace, at last on another machine."""
    times = [{"p50": 9.0}, {"p50": 8.0}, {"p50": 2.0}, {"p50": 3.0}]
    more = [{"disturbed": True}, {"disturbed": True}, {"keys": {"fit": "a", "measurement": "b"}}]
    more += [{"disturbed": True, "machine": {"processor": "EPYC"}}]
    for place, (time, settings) in enumerate(zip(times, more, strict=True)):
        (tmp_path / str(place)).mkdir()
        row(latency_ms=time, **{"keys": {"fit": "a"}, **settings}).write(tmp_path / str(place) / "result.json")
    assert [row.latency_ms["p50"] for row in find([tmp_path]).values()] == [2.0, 3.0]
    assert [row.latency_ms["p50"] for row in find([tmp_path / "0", tmp_path / "1"]).values()] == [9.0]


def test_nothing_found_is_told(tmp_path):
    with pytest.raises(LabradorError, match=f"{tmp_path}: no result.json found"):
        find([tmp_path])
    with pytest.raises(LabradorError, match="multirun/x: no such folder"):
        find([tmp_path / "multirun" / "x"])


def test_a_row_from_before_a_field_was_there_is_read(row, tmp_path):
    later = {"settings", "labels", "data_fingerprint", "machine", "disturbed"}
    record = {key: value for key, value in json.loads(row().to_json()).items() if key not in later}
    assert ResultRow.from_json(json.dumps(record), tmp_path) == row()
    assert (row().data_fingerprint, row().machine, row().labels) == (None, None, None)
