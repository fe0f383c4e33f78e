"""Result rows: written, read, found, as a pandas frame, and what is no row."""

import json
import re
import runpy
from pathlib import Path

import pytest
from made_runs import make_row

from labrador.errors import LabradorError
from labrador.page.summary import summary as page_summary
from labrador.report.comparison import compare
from labrador.report.figures import write_figures
from labrador.report.latex import latex
from labrador.report.layout import layout
from labrador.report.terminal import rendered
from labrador.results import SHOWN, Shown, count, find, frame, read, size, tenths, three_digits
from labrador.tracker import summary


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
    row(qps=9, bytes_per_passage=48).write(tmp_path / "result.json")
    assert read(tmp_path / "result.json").qps == 9


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
        (lambda r: r.update(version=2), "version 2: expected a result row of version 1"),
        (lambda r: r.pop("version"), "version None"),
        (lambda r: r.update(queries="many"), "queries='many': expected int"),
        (lambda r: r.update(queries=True), "queries=True"),
        (lambda r: r.update(qps=False), "qps=False"),
        (lambda r: r.update(metrics=[1]), r"metrics=\[1\]"),
        (lambda r: r.update(metrics={"MRR@10": "high"}), "metrics=.*high"),
        (lambda r: r.update(retriever=None), "retriever=None: expected str"),
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
def test_what_is_no_row_is_reported(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(LabradorError, match=r"result\.json.*expected a result row"):
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


def test_nothing_found_is_reported(tmp_path):
    with pytest.raises(LabradorError, match=f"{tmp_path}: no result.json found"):
        find([tmp_path])
    with pytest.raises(LabradorError, match="multirun/x: no such folder"):
        find([tmp_path / "multirun" / "x"])


def test_a_row_from_before_a_field_was_there_is_read(row, tmp_path):
    later = {"settings", "labels", "data_fingerprint", "machine", "disturbed"}
    record = {key: value for key, value in json.loads(row().to_json()).items() if key not in later}
    (tmp_path / "result.json").write_text(json.dumps(record))
    assert read(tmp_path / "result.json") == row()
    assert (row().data_fingerprint, row().machine, row().labels) == (None, None, None)


SIZES = {0: "0 B", 999: "999 B", 1000: "1.00 kB", 4_612_345: "4.61 MB", 18_484_224: "18.5 MB", 999_499: "999 kB"}
SIZES |= {999_500: "1.00 MB", 32_280_000_000: "32.3 GB", 5.2e12: "5.20 TB"}
DIGITS = {0: "0", 0.01234: "0.0123", 0.5: "0.500", 0.70004: "0.700"}
DIGITS |= {0.9996: "1.00", 1.234: "1.23", 9.996: "10.0", 99.96: "100", 1234.4: "1,234"}


@pytest.mark.parametrize(("value", "shown"), SIZES.items())
def test_size(value, shown):
    assert size(value) == shown


@pytest.mark.parametrize(("value", "shown"), DIGITS.items())
def test_three_digits(value, shown):
    assert three_digits(value) == shown


def test_counts_and_seconds():
    assert [count(value) for value in (48, 48.0, 96.5, 1536.0)] == ["48", "48", "96.5", "1,536"]
    assert [tenths(value) for value in (0.0, 0.04, 12.34, 99.96, 1234.5)] == ["0.0", "0.0", "12.3", "100", "1,234"]


def test_a_field_of_a_later_version_is_ignored(row, tmp_path):
    record = json.loads(row().to_json()) | {"recall_of_scan": {"10": 0.9}}
    (tmp_path / "result.json").write_text(json.dumps(record))
    assert read(tmp_path / "result.json") == row()


def runs(folder, *rows):
    for number, made in enumerate(rows):
        (folder / str(number)).mkdir(parents=True)
        made.write(folder / str(number) / "result.json")
    return folder


def test_a_frame_has_a_line_a_row_and_a_dtype_a_field(row, tmp_path):
    lexical = {"retriever": "bm25"} | dict.fromkeys(("quantizer", "search", "encoder", "threads", "qps"))
    given = {"quantizer.bits": "64", "encoder.pooling": "cls"}
    table = frame(runs(tmp_path, row(qps=9, settings=given), row(seed=1), row(**lexical)))
    assert table["file"].tolist() == [str(tmp_path / str(number) / "result.json") for number in range(3)]
    assert table["MRR@10"].tolist() == [0.6, 0.6, 0.6]
    assert table["qps"].tolist()[:2] == [9.0, 9100.4]
    assert table["seconds.train"].tolist() == [70.1] * 3
    assert table["keys.ranking"].tolist() == ["0123abcd"] * 3
    assert table["quantizer.bits"].tolist()[0] == 64
    dtypes = dict.fromkeys(("MRR@10", "nDCG@10", "qps", "seconds.train"), "float64") | {"disturbed": "boolean"}
    dtypes |= dict.fromkeys(("seed", "threads"), "Int64") | dict.fromkeys(("encoder", "encoder.pooling"), "string")
    assert {name: str(table.dtypes[name]) for name in dtypes} == dtypes
    missing = {"qps": [2], "threads": [2], "encoder": [2], "quantizer.bits": [1, 2], "nDCG@10": [0, 1, 2]}
    assert {name: table.index[table[name].isna()].tolist() for name in missing} == missing
    assert "labels" not in table  # nothing has entries of it


def test_rows_that_differ_in_the_seed_alone_have_one_system_in_a_frame(row, tmp_path):
    other = row(quantizer="pq", metrics={"MRR@10": 0.2})
    table = frame([str(runs(tmp_path, row(), row(seed=1, metrics={"MRR@10": 0.5}), other))])
    means = table.groupby(["quantizer", "system"])["MRR@10"].mean()
    assert means.droplevel("system").to_dict() == {"flat": pytest.approx(0.55), "pq": 0.2}


def test_a_frame_of_nothing_is_an_error(tmp_path):
    with pytest.raises(LabradorError, match=f"{tmp_path}: no result.json found"):
        frame(tmp_path)
    with pytest.raises(LabradorError, match="multirun/x: no such folder"):
        frame([tmp_path / "multirun" / "x"])


def test_labels_and_machine_are_columns_where_they_are_known(row, tmp_path):
    machine = {"processor": "EPYC", "cores": 8, "gpu": None}
    table = frame(runs(tmp_path, row(machine=machine, labels={"positives": 3, "histogram": [1, 2]}), row(seed=1)))
    assert table["machine.cores"].tolist()[0] == 8
    assert table["labels.histogram"].tolist()[0] == [1, 2]
    assert table["labels.positives"].isna().tolist() == [False, True]


def test_a_figure_that_is_declared_is_shown_everywhere(row, monkeypatch, tmp_path):
    """One declaration is enough: here the commit becomes a figure."""
    monkeypatch.setitem(SHOWN, "commit", Shown("build", "time", "lowest", "{:.1f}".format, unit="s", axis="building"))
    rows = {
        tmp_path / str(number): row(commit=taken, quantizer=name)
        for number, (taken, name) in enumerate([(2.0, "pq"), (3.5, "flat")])
    }
    text = rendered(layout(list(rows.values())))
    assert "build" in text
    assert " 2.0*" in text
    assert summary(rows[tmp_path / "0"])["commit"] == 2.0
    assert r"& build (s) \\" in latex(layout(list(rows.values())), "t")
    found = compare(rows)
    files, _ = write_figures(found.systems, tmp_path, tmp_path)
    assert "pydocs-quality-commit.svg" in [file.name for file in files]
    shown = page_summary(found.sections()[0][0], found.metrics, [])
    assert {"name": "commit", "label": "building", "title": "build (s)", "apart": False} in shown["costs"]
    assert [system["costs"]["commit"][1] for system in shown["systems"]] == ["3.5", "2.0"]


def test_the_example_of_the_documentation_runs(row, tmp_path, monkeypatch):
    page = (Path(__file__).resolve().parents[1] / "docs" / "compare.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    runs(tmp_path / "multirun", row(), row(seed=1), row(quantizer="pq", bytes_per_passage=48.0))
    (tmp_path / "example.py").write_text(example)
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path("example.py")
    assert names["means"]["count"].tolist() == [2, 1]
    assert names["cheap"]["quantizer"].tolist() == ["pq"]
