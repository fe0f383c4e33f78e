"""No step gives a result other than the recorded one without another version (golden.py records them)."""

import json
import sys

import golden
import pytest

from labrador.losses import contrastive


def test_no_step_gives_another_result_without_another_version(tmp_path):
    found = golden.faults(json.loads(golden.FILE.read_text()), golden.run(tmp_path))
    lines = "\n".join(f"{name} {what}" for name, what in found.items())
    assert not found, f"{lines}\nand then: python tests/golden.py --write"


def test_another_loss_is_noticed(tmp_path, monkeypatch):
    loss, before = contrastive.info_nce, golden.run(tmp_path / "before", ["dpr"])
    monkeypatch.setattr(contrastive, "info_nce", lambda *given: 1.01 * loss(*given))
    found = golden.faults(before, golden.run(tmp_path / "after", ["dpr"]))
    assert "gives another curve.jsonl loss and no version was raised" in found["dpr fit"]
    assert "dpr tokens" not in found


ENTRY = {"versions": {"fit": 2}, "digest": {"a.npy": [[3], "f", 0.5, 0.1, 0.3], "b.npy": [[3], "0123"], "c": [4.0]}}


def changed(version=2, **files):
    return {
        "versions": {"fit": version},
        "digest": ENTRY["digest"] | {f"{name}.npy": short for name, short in files.items()},
    }


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (ENTRY, None),
        (changed(a=[[3], "f", 0.5009, 0.1, 0.3]), None),  # rounding
        (changed(a=[[3], "f", 0.502, 0.1, 0.3]), "gives another a.npy and no version was raised"),
        (changed(a=[[4], "f", 0.5, 0.1, 0.3]), "gives another a.npy and no version was raised"),
        (changed(b=[[3], "4567"]), "gives another b.npy and no version was raised"),
        (changed(b=[[3], "4567"], version=3), "has another version: record what it gives"),
        (changed(version=3), "has another version: record what it gives"),
        (changed(d=[1.0]), "gives another d.npy and no version was raised"),
        (None, "is recorded and was not made"),
    ],
)
def test_how_a_difference_is_reported(made, expected):
    found = golden.faults({"dpr fit": ENTRY}, {} if made is None else {"dpr fit": made})
    assert (expected is None and not found) or found["dpr fit"].startswith(expected)


def write(monkeypatch, made, *options):
    monkeypatch.setattr(golden, "run", lambda folder: made)
    monkeypatch.setattr(sys, "argv", ["golden.py", *options])
    return golden.main()


def test_a_result_is_recorded_again_only_if_its_version_was_raised(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    first, other, raised = ({"dpr fit": entry} for entry in (ENTRY, changed(b=[[3], "4"]), changed(3, b=[[3], "4"])))

    def recorded():
        return json.loads(golden.FILE.read_text())

    assert write(monkeypatch, first) == 1  # nothing is recorded yet, and not asked to be
    assert write(monkeypatch, first, "--write") == 0
    assert recorded() == first
    assert write(monkeypatch, first) == 0
    assert write(monkeypatch, other, "--write") == 1
    assert "nothing is recorded: raise the versions" in capsys.readouterr().out
    assert recorded() == first
    assert write(monkeypatch, raised, "--write") == 0
    assert recorded() == raised
    assert write(monkeypatch, first | {"bpr fit": ENTRY}, "--write", "--force") == 0
    assert recorded() == first | {"bpr fit": ENTRY}
