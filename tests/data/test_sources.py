"""Every published layout becomes the same corpus, gzip or plain, from the files that a run reads."""

import pytest
from conversions import PID, SOURCES, convert, lines_of, texts_in_order, write_packed
from layouts import LAYOUTS, keeper, question_of, rows_of, text_of, title_of, write_layout

from labrador.data.beir import Beir
from labrador.data.msmarco import MsMarco
from labrador.data.nq import Nq
from labrador.data.prepare import prepare
from labrador.errors import LabradorError
from labrador.store import Store


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_becomes_the_schema(name, packed, tmp_path):
    corpus = convert(name, write_layout(name, tmp_path / "raw", 24, packed), tmp_path)
    first = 1 if name in ("nq", "trivia") else 0
    assert corpus.passages.pids(range(24)) == [PID[name].format(i + first) for i in lines_of(corpus, range(24))]
    title = {"msmarco": "", "msmarco_doc": f"https://example.org/5 {title_of(5)}"}.get(name, title_of(5))
    assert texts_in_order(corpus)[5] == (title, text_of(5))
    mark = "?" if name == "trivia" else ""
    for split in ("train", "dev"):
        rows = rows_of(split, 24)
        assert corpus.queries(split).texts == [question_of(i) + mark for i in rows]
        assert [lines_of(corpus, passages) for passages in corpus.positives(split)] == [[i] for i in rows]


@pytest.mark.parametrize(
    ("name", "text"), [("nq", "who's keeping it"), ("trivia", "who's keeping it?"), ("beir", "who’s keeping it?")]
)
def test_a_question_from_elsewhere_is_written_as_the_sources_own(name, text, tmp_path):
    corpus = convert(name, write_layout(name, tmp_path / "raw", 24), tmp_path)
    assert corpus.question("who’s keeping it?") == text


def test_gzip_and_plain_have_the_same_fingerprints(tmp_path):
    for name in LAYOUTS:
        plain = convert(name, write_layout(name, tmp_path / name / "plain", 24), tmp_path)
        packed = convert(name, write_layout(name, tmp_path / name / "packed", 24, packed=True), tmp_path)
        assert plain.key != packed.key
        assert plain.meta == packed.meta


def test_splits_and_scoring(tmp_path):
    corpora = {name: convert(name, write_layout(name, tmp_path / name, 24), tmp_path) for name in LAYOUTS}
    assert corpora["beir"].splits == corpora["nq"].splits == ("train", "dev", "test")
    assert corpora["msmarco"].splits == corpora["msmarco_doc"].splits == ("train", "dev")
    assert {name for name in LAYOUTS if corpora[name].scored_by == "answers"} == {"nq", "trivia"}
    test = corpora["nq"].queries("test")
    assert test.answers == [[keeper(i)] for i in rows_of("test", 24)]
    assert corpora["nq"].queries("train").answers[0] == [keeper(0)]
    assert corpora["beir"].queries("test").answers is None
    assert len(corpora["nq"].qrels("test")[0]) == 0
    with pytest.raises(LabradorError, match=r"^split test: expected one .*train, dev"):
        corpora["msmarco"].queries("test")


@pytest.mark.parametrize("name", LAYOUTS)
def test_byte_order_marks_line_ends_and_blank_lines_change_nothing(name, tmp_path):
    plain = convert(name, write_layout(name, tmp_path / "plain", 24), tmp_path)
    for packed in (False, True):
        folder = write_layout(name, tmp_path / f"windows-{packed}", 24)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            lines = path.read_text(encoding="utf-8").splitlines()
            gap = [""] if path.suffix != ".json" else []
            path.write_bytes("\r\n".join([lines[0], *gap, *lines[1:], "", ""]).encode("utf-8-sig"))
            if packed:
                write_packed(path)
        found = convert(name, folder, tmp_path)
        assert found.meta == plain.meta


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_the_files_that_are_read_must_be_there(name, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    source = SOURCES[name](path=str(folder))
    keep = set(source.passage_names + source.split_names(folder, source.split))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.relative_to(folder).as_posix() not in keep:
            path.unlink()
    assert convert(name, folder, tmp_path).splits == (source.split,)


@pytest.mark.parametrize("name", LAYOUTS)
def test_missing_files_are_named(name, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    missing = sorted(path for path in folder.iterdir() if path.is_file())[:2]
    for path in missing:
        path.unlink()
    source = SOURCES[name](path=str(folder))
    with pytest.raises(LabradorError) as caught:
        prepare(source, Store(tmp_path / "store"), needed=source.splits)
    assert all(path.name in str(caught.value) for path in missing)
    assert str(caught.value).startswith(f"data.path={folder}: ")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(LabradorError, match=r"^data.path=.*nowhere: no such folder"):
        convert("beir", tmp_path / "nowhere", tmp_path)
    (tmp_path / "corpus.jsonl").touch()
    with pytest.raises(LabradorError, match=r"^data.path=.*corpus.jsonl: a file; expected a folder"):
        convert("beir", tmp_path / "corpus.jsonl", tmp_path)
    with pytest.raises(LabradorError, match=r"^data.path=null: data=beir needs the folder"):
        prepare(Beir(), Store(tmp_path))


@pytest.mark.parametrize("settings", [{"split": "validation"}, {"max_passages": 0}])
def test_settings_are_checked(settings):
    ((key, value),) = settings.items()
    with pytest.raises(LabradorError, match=f"^{key}={value}: expected "):
        Beir(path="x", **settings)


def test_a_split_that_a_set_does_not_have_is_told_at_once():
    with pytest.raises(LabradorError, match=r"^split=test: expected one of train, dev"):
        MsMarco(split="test")


def test_data_are_called_by_their_folder_their_option_or_the_name_that_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Beir(path="corpora/scifact/").title == "scifact"
    assert Beir(path="corpora/nfcorpus/../fiqa").title == "fiqa"
    assert Beir(path=".").title == tmp_path.name
    assert Beir(path="corpora/scifact", name="SciFact").title == "SciFact"
    assert Nq(path="somewhere").title == Nq().title == "nq"
    with pytest.raises(LabradorError, match=r"^name=' ': expected a name; or leave it out"):
        Beir(path="corpora/scifact", name=" ")


def test_a_name_converts_nothing_again(tmp_path):
    folder, store = write_layout("beir", tmp_path / "raw", 24), Store(tmp_path / "store")
    named, unnamed = Beir(path=str(folder), name="mine"), Beir(path=str(folder))
    assert prepare(named, store).key == prepare(unnamed, store).key


def test_the_digest_is_of_the_content_of_its_parts_wherever_that_lies(tmp_path):
    scored = ("passages", "queries-test", "qrels-test")
    whole = convert("beir", write_layout("beir", tmp_path / "whole", 24), tmp_path)
    moved = write_layout("beir", tmp_path / "moved", 24, packed=True)
    assert convert("beir", moved, tmp_path).digest(*scored) == whole.digest(*scored)
    smaller = convert("beir", write_layout("beir", tmp_path / "smaller", 20), tmp_path)
    assert smaller.digest(*scored) != whole.digest(*scored)
    assert whole.digest("passages") != whole.digest(*scored)
