import dataclasses
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from labrador.errors import LabradorError
from labrador.store import Recipe, Store, describe
from labrador.store.__main__ import main


def write_text(text, calls=None):
    def write(folder: Path) -> None:
        if calls is not None:
            calls.append(folder)
        (folder / "inner").mkdir()
        (folder / "inner" / "text").write_text(text)

    return write


def test_made_once_and_found_again(tmp_path):
    calls = []
    store = Store(tmp_path)
    first = store.make(Recipe("step", {"a": 1}, {"data": "x"}), write_text("hello", calls))
    second = Store(tmp_path).make(Recipe("step", {"a": 1}, {"data": "x"}), write_text("hello", calls))
    assert len(calls) == 1
    assert second.key == first.key
    assert (second.folder / "inner" / "text").read_text() == "hello"
    assert second.manifest["config"] == {"a": 1}
    assert second.manifest["files"]["inner/text"]["size"] == second.size == 5


def test_an_artifact_is_found_by_its_key_alone(tmp_path):
    store = Store(tmp_path)
    made = store.make(Recipe("step", {"a": 1}), write_text("hello"))
    found = store.by_key(made.key)
    assert (found.step, found.folder, found.manifest) == ("step", made.folder, made.manifest)
    assert found.fault() is None
    (made.folder / "inner" / "text").write_text("hullo")
    assert store.by_key(made.key).fault() == "inner/text has changed (its sha256 differs)"
    assert store.by_key("0" * len(made.key)) is None
    (made.folder / "manifest.json").unlink()
    assert store.by_key(made.key) is None


@pytest.mark.parametrize(
    "change",
    [
        {"step": "other"},
        {"version": 2},
        {"config": {"a": 2}},
        {"inputs": {"data": "y"}},
        {"inputs": {"datum": "x"}},
    ],
)
def test_everything_that_decides_the_content_changes_the_key(change):
    same = {"step": "step", "version": 1, "config": {"a": 1}, "inputs": {"data": "x"}}
    assert Recipe(**same).key == Recipe(**same).key
    assert Recipe(**(same | change)).key != Recipe(**same).key


@dataclasses.dataclass(frozen=True)
class Component:
    size: int = 1
    place: str = dataclasses.field(default="here", metadata={"key": False})
    later: str | None = dataclasses.field(default="old", metadata={"key": "unless default"})


def test_a_field_that_came_later_is_in_the_key_unless_it_has_its_default():
    name = f"{Component.__module__}.Component"
    assert describe(Component(place="there")) == {"class": name, "size": 1}
    assert describe(Component(later="new")) == {"class": name, "size": 1, "later": "new"}
    assert describe(Component(later=None)) == {"class": name, "size": 1, "later": None}
    assert describe(Component(later="new"), leave_out=("later",)) == {"class": name, "size": 1}


def test_the_version_of_a_class_is_in_the_key_from_its_second_on(monkeypatch):
    described = describe(Component())
    monkeypatch.setattr(Component, "version", 1, raising=False)
    assert describe(Component()) == described
    monkeypatch.setattr(Component, "version", 2)
    assert describe(Component()) == {**described, "version": 2}


def test_an_exception_leaves_nothing_behind(tmp_path):
    def write(folder):
        (folder / "half").write_text("half")
        raise LabradorError("line 3: bad")

    with pytest.raises(LabradorError, match="line 3"):
        Store(tmp_path).make(Recipe("step", resumable=True), write)
    assert [path for path in tmp_path.rglob("*") if path.name in ("half", "manifest.json")] == []


def test_a_resumable_step_gets_back_what_a_killed_one_left(tmp_path):
    seen = []

    def write(folder):
        seen.append(sorted(path.name for path in folder.iterdir()))
        (folder / f"shard-{len(seen)}").write_text("done")
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).make(Recipe("step", resumable=True), write)
    artifact = Store(tmp_path).make(Recipe("step", resumable=True), write)
    assert seen == [[], ["shard-1"]]
    assert artifact.manifest["resumed"] is True


def truncate(folder):
    (folder / "inner" / "text").write_text("hel")


def edit(folder):
    (folder / "inner" / "text").write_text("hullo")


def remove(folder):
    (folder / "inner" / "text").unlink()


def half_manifest(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:20])


@pytest.mark.parametrize("damage", [truncate, edit, remove, half_manifest])
def test_a_damaged_artifact_is_remade_with_a_line_that_says_so(tmp_path, damage, caplog):
    store = Store(tmp_path)
    damage(store.make(Recipe("step"), write_text("hello")).folder)
    with caplog.at_level(logging.WARNING):
        again = store.make(Recipe("step"), write_text("hello"))
    assert (again.folder / "inner" / "text").read_text() == "hello"
    assert "made again" in caplog.text


def test_a_large_file_is_hashed_only_when_its_time_changed(tmp_path, monkeypatch):
    monkeypatch.setattr("labrador.store.artifact.ALWAYS_HASHED", 0)
    store = Store(tmp_path)
    folder = store.make(Recipe("step"), write_text("hello")).folder
    monkeypatch.setattr("labrador.store.artifact.sha256", lambda path: pytest.fail("hashed although untouched"))
    store.make(Recipe("step"), write_text("hello"))
    monkeypatch.undo()
    monkeypatch.setattr("labrador.store.artifact.ALWAYS_HASHED", 0)
    edit(folder)
    calls = []
    store.make(Recipe("step"), write_text("hello", calls))
    assert len(calls) == 1


MAKE_SLOWLY = """
import sys, time
from pathlib import Path
from labrador.store import Recipe, Store

root = Path(sys.argv[1])

def write(folder):
    with (root / "made.log").open("a") as file:
        file.write("made\\n")
    time.sleep(0.5)
    (folder / "text").write_text("hello")

Store(root).make(Recipe("step"), write)
"""


def test_two_processes_make_it_once(tmp_path):
    workers = [subprocess.Popen([sys.executable, "-c", MAKE_SLOWLY, str(tmp_path)]) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert (tmp_path / "made.log").read_text() == "made\n"


def test_ls_and_verify(tmp_path, capsys):
    store = Store(tmp_path)
    folder = store.make(Recipe("step", {"a": 1}), write_text("hello")).folder
    assert main(["--store", str(tmp_path), "ls"]) == 0
    assert '{"a": 1}' in capsys.readouterr().out
    assert main(["--store", str(tmp_path), "verify"]) == 0
    capsys.readouterr()
    for command in (["ls"], ["verify"], ["gc", "--dry-run"]):
        assert main([*command, "--store", str(tmp_path)]) == 0
        behind = capsys.readouterr().out
        assert main(["--store", str(tmp_path), *command]) == 0
        assert capsys.readouterr().out == behind != ""
    assert main(["ls", "--store", str(tmp_path / "nowhere")]) == 2
    capsys.readouterr()
    edit(folder)
    assert main(["--store", str(tmp_path), "verify"]) == 1
    assert "sha256 differs" in capsys.readouterr().out


def test_gc_removes_leftovers_and_what_no_kept_result_needs(tmp_path, capsys):
    root, runs = tmp_path / "store", tmp_path / "runs"
    store = Store(root)
    base = store.make(Recipe("base"), write_text("base"))
    kept = store.make(Recipe("kept", {}, {"base": base.key}), write_text("kept"))
    loose = store.make(Recipe("loose", {}, {"base": base.key}), write_text("loose"))
    leftover = root / "kept" / ".0123.partial"
    leftover.mkdir()
    noted = root / "kept" / ".0123.seconds"
    noted.write_text("12.5")
    runs.mkdir()
    (runs / "result.json").write_text(json.dumps({"keys": {"kept": kept.key}}))
    assert main(["--store", str(root), "gc", "--keep", str(runs), "--dry-run"]) == 0
    assert loose.folder.exists()
    assert leftover.exists()
    assert main(["--store", str(root), "gc", "--keep", str(runs)]) == 0
    assert base.folder.exists()
    assert kept.folder.exists()
    assert not loose.folder.exists()
    assert not leftover.exists()
    assert not noted.exists()
    assert "no kept result needs it" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["--store", str(tmp_path / "none"), "ls"]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [{"files": []}, {"files": {}}, {"files": {"inner/text": {"size": 5}}}, {"inputs": None}, {"config": {"a": 2}}],
    ids=str,
)
def test_a_manifest_of_another_shape_is_no_manifest(tmp_path, change, capsys):
    store = Store(tmp_path)
    folder = store.make(Recipe("step", {"a": 1}), write_text("hello")).folder
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert main(["--store", str(tmp_path), "verify"]) == 1
    assert "no readable manifest" in capsys.readouterr().out
    assert store.make(Recipe("step", {"a": 1}), write_text("hello")).manifest["config"] == {"a": 1}


def test_a_broken_artifact_that_another_process_remade_is_kept(tmp_path, monkeypatch):
    """The look without the lock must not remove: what it saw may have been remade since."""
    store = Store(tmp_path)
    folder = store.make(Recipe("step"), write_text("hello")).folder
    truncate(folder)
    from labrador.store import store as module

    def remake_meanwhile(*arguments, **keywords):
        if (folder / "inner" / "text").read_text() == "hel":
            (folder / "inner" / "text").write_text("hello")
            return "it was truncated"
        return None

    monkeypatch.setattr(module, "fault", remake_meanwhile)
    calls = []
    store.make(Recipe("step"), write_text("hello", calls))
    assert calls == []


def test_a_store_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabradorError, match="expected a writable folder"):
        Store(tmp_path / "file").make(Recipe("step"), write_text("hello"))
