"""Bad input of every layout names its file and line."""

import pytest
from conversions import convert, write_packed
from layouts import LAYOUTS, write_layout

from labrador.errors import LabradorError


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["beir", "nq"])
def test_utf_16_is_named(name, encoding, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        path.write_bytes(whole.decode().encode(encoding))
        with pytest.raises(
            LabradorError, match=r"UTF-16 or UTF-32 text; expected UTF-8; convert it with iconv"
        ) as caught:
            convert(name, folder, tmp_path)
        assert str(caught.value).startswith(f"{path}:1: ")
        path.write_bytes(whole)


BAD = [
    ("msmarco", "collection.tsv", 3, "2\ta\tb", r"3 columns; expected 2: passage id, text"),
    ("msmarco", "collection.tsv", 3, "0\tagain", r"passage id '0' is already on line 1;"),
    ("msmarco", "collection.tsv", 3, "\ttext", r"empty passage id"),
    ("msmarco", "collection.tsv", 3, "a b\ttext", r"passage id 'a b' holds white space"),
    ("msmarco", "queries.train.tsv", 2, "1", r"1 column; expected 2: query id, text"),
    ("msmarco", "queries.train.tsv", 2, "1\t ", r"query '1' has no text"),
    ("msmarco", "queries.train.tsv", 13, "0\tagain", r"query id '0' is already on line 1;"),
    ("msmarco", "qrels.train.tsv", 2, "1\t0\t1\tone", r"grade 'one'; expected a whole number such as 0, 1 or 2"),
    ("msmarco", "qrels.train.tsv", 2, "1\t0\t1\t1.5", r"grade '1.5'; expected a whole number"),
    ("msmarco", "qrels.train.tsv", 2, "1\t0\t1\tnan", r"grade 'nan'; expected a whole number"),
    ("msmarco", "qrels.train.tsv", 2, "1\t0\t1\t1_0", r"grade '1_0'; expected a whole number"),
    (
        "msmarco",
        "qrels.train.tsv",
        2,
        f"1\t0\t1\t{2**63}",
        r"grade '9223372036854775808'; expected a whole number from -92",
    ),
    ("msmarco", "qrels.train.tsv", 2, f"1\t0\t1\t{'9' * 5000}", r"grade '9{40}'; expected a whole number"),
    ("msmarco", "qrels.train.tsv", 2, "0\t0\t0\t2", r"'0': grade 2 here and 1 on line 1; expected one grade"),
    ("msmarco_doc", "msmarco-docs.tsv", 2, "D1\tu\tt", r"3 columns; expected 4: document id, url, title, body"),
    ("beir", "corpus.jsonl", 4, "{", r"expected a JSON object \("),
    ("beir", "corpus.jsonl", 4, '{"_id": 3.0, "text": "x"}', r"'_id' is 3.0; expected a string such as .*whole number"),
    ("beir", "corpus.jsonl", 4, '{"_id": true, "text": "x"}', r"'_id' is True; expected a string"),
    ("beir", "corpus.jsonl", 4, '{"_id": null, "text": "x"}', r"'_id' is None; expected a string"),
    ("beir", "corpus.jsonl", 4, '{"id": "p3", "text": "x"}', r"'_id' is missing; expected a string"),
    (
        "beir",
        "corpus.jsonl",
        4,
        '{"_id": "p3", "contents": "x"}',
        r"the keys are '_id', 'contents'; expected 'title' or 'text'",
    ),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "text": ["x"]}', r"'text' is \['x'\]; expected a string, or null"),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "n": ' + "9" * 5000 + "}", r"expected a JSON object \("),
    ("beir", "corpus.jsonl", 4, '["_id"]', r"a list; expected a JSON object"),
    ("beir", "queries.jsonl", 4, '{"_id": "q3"}', r"the keys are '_id'; expected 'text' with a text"),
    (
        "beir",
        "corpus.jsonl",
        4,
        '{"_id": "p1", "title": "", "text": ""}',
        r"passage id 'p1' is already on line 2;",
    ),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "title": 1, "text": "a"}', r"'title' is 1; expected a string, or null"),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "text": "\\ud83d"}', r"half a surrogate pair is no character"),
    ("beir", "qrels/train.tsv", 2, "q0\tp0", r"2 columns; expected 3, as on the previous lines"),
    ("beir", "qrels/train.tsv", 1, "q0\tp0", r"2 columns; expected 3 \(query-id, corpus-id, score\) or TREC's 4"),
    ("beir", "qrels/train.tsv", 1, "q0\tp0\t", r"grade ''; expected a whole number"),
    ("beir", "qrels/train.tsv", 2, "q0\tp0\t", r"grade ''; expected a whole number"),
    ("beir", "qrels/train.tsv", 1, "q0\tp0\tNaN", r"grade 'NaN'; expected a whole number"),
    ("beir", "qrels/train.tsv", 2, "q0\t0\tp0\t1", r"4 columns; expected 3, as on the previous lines"),
    ("beir", "qrels/train.tsv", 2, "q0\tp 0\t1", r"'p 0' holds white space; expected tabs or blanks between all"),
    ("nq", "psgs_w100.tsv", 3, "2\ttext", r"2 columns; expected 3: id, text, title"),
    ("nq", "psgs_w100.tsv", 3, "1\ttext\ttitle", r"passage id '1' is already on line 2;"),
    ("nq", "psgs_w100.tsv", 24, '23\t"never closed\ttitle', r"'\"never closed': its quotes can be CSV's or text"),
    ("nq", "psgs_w100.tsv", 25, '24\ttext\t"never closed', r"'\"never closed': .* set data.quotes=csv if .*=text if"),
    (
        "nq",
        "nq-test.qa.csv",
        2,
        "who\t__import__('os')",
        r"answers \"__import__\('os'\)\"; expected a list literal such as",
    ),
    ("nq", "nq-test.qa.csv", 2, "who\t['open", r"expected a list literal such as"),
    ("nq", "nq-test.qa.csv", 2, "who\t[]", r"answers \[\]; expected a list of one or more strings"),
    ("nq", "nq-test.qa.csv", 2, "who\t'a'", r"answers 'a'; expected a list of one or more strings"),
    ("nq", "nq-test.qa.csv", 2, "who", r"1 column; expected 2: question, answers"),
    ("nq", "biencoder-nq-train.json", 3, '"dataset": oops,', r"expected a whole JSON object"),
    ("nq", "biencoder-nq-train.json", 2, "[", r"'\['; expected a JSON object with a question"),
]


@pytest.mark.parametrize(("name", "file", "line", "text", "message"), BAD)
def test_bad_line(name, file, line, text, message, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    lines = (folder / file).read_text().split("\n")
    lines[line - 1] = text
    (folder / file).write_text("\n".join(lines))
    with pytest.raises(LabradorError, match=message) as caught:
        convert(name, folder, tmp_path)
    assert str(caught.value).startswith(f"{folder / file}:{line}: ")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").glob("*/.*.partial"))
    assert not list((tmp_path / "store" / "data").glob("[!.]*"))


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_that_are_not_utf8_name_their_line(name, packed, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        lines = whole.split(b"\n")
        lines[2] = lines[2][:4] + b"\xff" + lines[2][4:]
        path.write_bytes(b"\n".join(lines))
        damaged = path
        if packed:
            damaged = write_packed(path)
        with pytest.raises(LabradorError, match="byte 0xff is not UTF-8; expected UTF-8 text") as caught:
            convert(name, folder, tmp_path)
        assert str(caught.value).startswith(f"{damaged}:3: ")
        damaged.unlink()
        path.write_bytes(whole)


@pytest.mark.parametrize(("name", "file"), [("msmarco", "collection.tsv"), ("beir", "corpus.jsonl")])
def test_an_empty_corpus_is_an_error(name, file, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    (folder / file).write_text("")
    with pytest.raises(LabradorError, match=rf"{file}: an empty corpus; expected at least one passage"):
        convert(name, folder, tmp_path)


def test_a_truncated_gzip_file_is_an_error(tmp_path):
    folder = write_layout("msmarco", tmp_path / "raw", 24, packed=True)
    path = folder / "collection.tsv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LabradorError, match=r"collection.tsv.gz: expected a whole gzip file"):
        convert("msmarco", folder, tmp_path)
