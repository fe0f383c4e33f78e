"""Reading raw files in pieces."""

import json
from pathlib import Path

import pytest
from layouts import write_text

from labrador.data import json_array
from labrador.data.json_array import read_json_array
from labrador.data.raw_files import find_raw, read_chunks, read_lines
from labrador.errors import LabradorError


def test_only_line_feeds_end_a_line(tmp_path):
    path = write_text(tmp_path / "a.tsv", "one\u2028still\x0b\x0cone\r\ntwo\rstill two\n\nlast")
    assert list(read_lines(path)) == [(1, "one\u2028still\x0b\x0cone"), (2, "two\rstill two"), (3, ""), (4, "last")]


def test_a_file_is_found_by_either_name(tmp_path):
    assert find_raw(tmp_path, "a.csv.gz") is None
    packed = write_text(tmp_path / "a.csv", "x", packed=True)
    assert find_raw(tmp_path, "a.csv") == find_raw(tmp_path, "a.csv.gz") == packed
    plain = write_text(tmp_path / "a.csv", "x")
    assert find_raw(tmp_path, "a.csv.gz") == plain


def test_gzip_is_known_by_its_content_not_its_name(tmp_path):
    packed = write_text(tmp_path / "a", "text\n", packed=True)
    packed = packed.rename(tmp_path / "a.tsv")
    assert list(read_lines(packed)) == [(1, "text")]


def test_chunks_join_to_the_text_whatever_they_cut(tmp_path):
    text = "é" * 1000 + "\n" + "日本" * 500
    path = write_text(tmp_path / "a", text)
    chunks = list(read_chunks(path, size=7))
    assert "".join(chunks) == text
    assert len(chunks) > 100


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_an_array_is_read_object_by_object_with_its_lines(tmp_path, monkeypatch, indent, size):
    monkeypatch.setattr(json_array, "read_chunks", lambda path: read_chunks(path, size))
    values = [{"a": i, "text": "x]},é\n" * i, "inner": [{"b": None}]} for i in range(20)]
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    found = list(read_json_array(write_text(tmp_path / "a.json", text + "\n")))
    assert [value for _, value in found] == values
    starts = [number for number, line in enumerate(text.split("\n"), start=1) if line == "    {"]
    assert [line for line, _ in found] == (starts if indent else [1] * 20)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "end of file; expected a JSON array"),
        ("\n{}", 2, "'{'; expected a JSON array"),
        ('[{"a": 1}\n{"a": 2}]', 2, "'{'; expected a comma or the array's end"),
        ('[{"a": 1},\n{"a": ', 2, "expected a whole JSON object"),
        ('[{"a": 1},\n{"a": ' + "9" * 5000 + "}]", 2, "expected a JSON object with a question"),
        ('[{"a": 1},\n{"a": ' + "[" * 100_000, 2, "expected a JSON object with a question"),
        ('[{"a": 1},\n', 2, "end of file; expected a JSON object"),
        ('[{"a": 1},\n3]', 2, "'3'; expected a JSON object"),
        ('[{"a": 1}]\n\n[]', 3, "expected nothing after the array"),
        ('[{"a": 1}', 1, "end of file; expected a comma or the array's end"),
    ],
)
def test_what_is_no_array_of_objects_names_its_line(tmp_path, text, line, message):
    path = write_text(tmp_path / "a.json", text)
    with pytest.raises(LabradorError) as caught:
        list(read_json_array(path))
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_a_broken_object_is_not_searched_for_to_the_end_of_a_large_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_array, "LARGEST_OBJECT", 1000)
    read = []

    def counted(path):
        for chunk in read_chunks(path, 100):
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(json_array, "read_chunks", counted)
    path = write_text(tmp_path / "a.json", '[{"a": oops},\n' + '{"a": 1},\n' * 10_000)
    with pytest.raises(LabradorError, match=r"a.json:1: expected a whole JSON object"):
        list(read_json_array(path))
    assert sum(read) < 5000
    assert list(read_json_array(write_text(tmp_path / "b.json", "[\n]"))) == []


def test_a_byte_order_mark_is_no_text(tmp_path):
    for packed in (False, True):
        path = write_text(tmp_path / f"a-{packed}", "\ufeff[{}]\n\ufeffb", packed)
        assert list(read_lines(path)) == [(1, "[{}]"), (2, "\ufeffb")]
        assert "".join(read_chunks(path, size=1)) == "[{}]\n\ufeffb"
    assert list(read_lines(write_text(tmp_path / "mark", "\ufeff"))) == [(1, "")]


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    """A stand-in for missing rights, which tests that run as root do not lack."""

    def refused(path, mode="r"):
        raise PermissionError(13, "Permission denied", str(path))

    path = write_text(tmp_path / "a.tsv", "x")
    monkeypatch.setattr(Path, "open", refused)
    for read in (read_lines, read_chunks):
        with pytest.raises(
            LabradorError, match=r"a.tsv: cannot be read \(Permission denied\); expected a readable file"
        ):
            list(read(path))


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path):
    with pytest.raises(LabradorError, match=r"cannot be read \(File name too long\)"):
        find_raw(tmp_path, "x" * 300)
