"""Hard links to an artifact's files in the folder of a run."""

import pytest

from labrador.store import Recipe, Store, artifact


def write(text):
    def into(folder):
        (folder / "run.trec").write_text(text)

    return into


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(artifact, "LINKED", 0)


@pytest.fixture
def links(request, monkeypatch):
    """Links as they are, or a disk that has none."""
    if not request.param:
        monkeypatch.setattr("os.link", lambda *names: (_ for _ in ()).throw(OSError(1, "Operation not permitted")))


@pytest.mark.parametrize("links", [True, False], indirect=True)
def test_a_placed_file_holds_the_artifact_s_and_is_replaced_by_the_next_one_s(tmp_path, links):
    store = Store(tmp_path / "store")
    first, second = (store.make(Recipe("scores", {"k": n}), write(f"run {n}")) for n in (1, 2))
    for scores in (first, second, second):
        scores.place("run.trec", tmp_path)
        assert (tmp_path / "run.trec").read_text() == (scores.folder / "run.trec").read_text()
    assert (first.folder / "run.trec").read_text() == "run 1"
    assert first.fault() is None
    assert second.fault() is None


def test_a_placed_file_takes_no_room_of_its_own_and_a_change_of_it_is_noticed(tmp_path):
    store = Store(tmp_path / "store")
    scores = store.make(Recipe("scores"), write("run 1"))
    scores.place("run.trec", tmp_path)
    assert (tmp_path / "run.trec").samefile(scores.folder / "run.trec")
    (tmp_path / "run.trec").write_text("run X")  # as long as before
    assert "has changed" in scores.fault()
    again = store.make(Recipe("scores"), write("run 1"))
    assert (again.folder / "run.trec").read_text() == "run 1"
    assert (tmp_path / "run.trec").read_text() == "run X"


@pytest.mark.parametrize("links", [False], indirect=True)
def test_a_copy_that_does_not_come_to_its_end_is_removed(tmp_path, links, monkeypatch):
    def half(source, target):
        target.write_text("ru")
        raise OSError(28, "No space left on device")

    scores = Store(tmp_path / "store").make(Recipe("scores"), write("run 1"))
    monkeypatch.setattr("shutil.copyfile", half)
    with pytest.raises(OSError, match="No space"):
        scores.place("run.trec", tmp_path)
    assert not (tmp_path / "run.trec").exists()


def test_a_small_file_is_copied_so_that_runs_do_not_share_it(tmp_path, monkeypatch):
    monkeypatch.setattr(artifact, "LINKED", 5)
    scores = Store(tmp_path / "store").make(Recipe("scores"), write("run 1"))
    scores.place("run.trec", tmp_path)
    (tmp_path / "run.trec").write_text("run X")
    assert scores.fault() is None
    assert (scores.folder / "run.trec").read_text() == "run 1"
