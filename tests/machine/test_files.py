"""Files written whole or not at all."""

import pytest

from labrador.machine.files import atomically, unfinished


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "row.json"
    path.write_text("old")
    with atomically(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_its_place_when_it_is_whole(tmp_path):
    with atomically(tmp_path / "model") as partial:
        (partial / "encoder").mkdir(parents=True)
        (partial / "encoder" / "weights").write_text("w")
    assert (tmp_path / "model" / "encoder" / "weights").read_text() == "w"


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, fault):
    path = tmp_path / "row.json"
    path.write_text("old")
    with pytest.raises(type(fault)), atomically(path) as partial:  # noqa: PT012
        partial.write_text("ne")
        raise fault
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(tmp_path):
    unfinished(tmp_path / "model").mkdir()
    (unfinished(tmp_path / "model") / "half").write_text("")
    with atomically(tmp_path / "model") as partial:
        partial.mkdir()
    assert list((tmp_path / "model").iterdir()) == []
