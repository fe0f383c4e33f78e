"""The top of each ranking from run files, long and short, whole and broken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labrador.errors import LabradorError
from labrador.page.rankings import top


def write(path, depths, width=1):
    """A run with `depths` [(qid, lines)]; `width` digits more in each pid make lines longer."""
    lines = [
        f"{qid} Q0 p{rank:0{width}d}-{qid} {rank} {1 / rank:.9g} tag"
        for qid, depth in depths
        for rank in range(1, depth + 1)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def expected(file, k):
    found = {}
    for line in file.read_text().splitlines():
        qid, _, pid, *_ = line.split()
        found.setdefault(qid, []).append(pid)
    return {qid: pids[:k] for qid, pids in found.items()}


def test_the_first_k_of_each_query(tmp_path):
    file = write(tmp_path / "run.trec", [("q1", 3), ("q10", 1), ("q", 12)])
    found = top(file, 2)
    assert found == {"q1": ["p1-q1", "p2-q1"], "q10": ["p1-q10"], "q": ["p1-q", "p2-q"]}
    assert list(found) == ["q1", "q10", "q"]


def test_a_deep_run(tmp_path):
    depths = [(f"q{number}", [1000, 3, 400, 1, 2000][number % 5]) for number in range(40)]
    file = write(tmp_path / "run.trec", depths, width=20)
    assert top(file, 10) == expected(file, 10)


@settings(max_examples=60, deadline=None)
@given(depths=st.lists(st.sampled_from([1, 2, 9, 10, 11, 60, 700]), max_size=8), k=st.integers(1, 11))
def test_runs_of_any_shape(tmp_path_factory, depths, k):
    file = write(tmp_path_factory.mktemp("run") / "run.trec", [(f"q{n}", depth) for n, depth in enumerate(depths)])
    assert top(file, k) == expected(file, k)


def test_the_last_line_may_lack_its_end(tmp_path):
    file = write(tmp_path / "run.trec", [("a", 2), ("b", 2)])
    file.write_text(file.read_text().rstrip("\n"))
    assert top(file, 2) == {"a": ["p1-a", "p2-a"], "b": ["p1-b", "p2-b"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1 Q0 p1 1\n", "'q1 Q0 p1 1': expected 'qid Q0 pid rank score tag'"),
        ("words\n", "'words': expected 'qid Q0 pid rank score tag'"),
        ("\n", "'': expected 'qid Q0 pid rank score tag'"),
        ("a Q0 p 1 1 t\nb Q0 p 1 1 t\na Q0 r 2 0 t\n", "the lines of query a are not contiguous"),
    ],
)
def test_what_is_not_a_run_file_is_an_error(tmp_path, text, message):
    file = tmp_path / "run.trec"
    file.write_text(text)
    with pytest.raises(LabradorError) as error:
        top(file, 10)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{file}: ")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(LabradorError, match="expected a run file"):
        top(tmp_path / "run.trec", 10)
    (tmp_path / "empty").touch()
    assert top(tmp_path / "empty", 10) == {}
