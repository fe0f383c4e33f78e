"""MS MARCO: titles of passages, documents, queries that nothing judges."""

import pytest
from conversions import convert, texts_of
from layouts import text_of, title_of, write_layout, write_text

from labrador.errors import LabradorError


def test_unjudged_queries_of_msmarco_are_left_out_and_small_dev_is_preferred(tmp_path):
    folder = write_layout("msmarco", tmp_path / "raw", 24)
    write_text(folder / "queries.dev.tsv", "1\tnot read\n")
    write_text(folder / "qrels.dev.tsv", "1\t0\t1\t1\n")
    corpus = convert("msmarco", folder, tmp_path)
    assert "9000000" not in corpus.queries("train").qids
    assert corpus.queries("dev").qids == ["4", "5", "12", "13", "20", "21"]
    for kind in ("queries", "qrels"):
        (folder / f"{kind}.dev.small.tsv").unlink()
    assert convert("msmarco", folder, tmp_path).queries("dev").texts == ["not read"]


def test_a_title_alone_or_a_url_alone_is_a_text(tmp_path):
    folder = write_layout("msmarco_doc", tmp_path / "raw", 24)
    path = folder / "msmarco-docs.tsv"
    path.write_text(path.read_text() + "D90\tu\tonly a title\t\nD91\thttp://only.a/url\t\t\n")
    assert {("only a title", ""), ("", "http://only.a/url")} < texts_of("msmarco_doc", folder, tmp_path, "title_body")
    whole = texts_of("msmarco_doc", folder, tmp_path, "url_title_body")
    assert {
        ("u only a title", ""),
        ("http://only.a/url", ""),
        (f"https://example.org/5 {title_of(5)}", text_of(5)),
    } < whole


def titles_by_pid(folder, tmp_path, titles):
    corpus = convert("msmarco", folder, tmp_path, titles=str(titles))
    rows = range(len(corpus.passages))
    return {pid: title for pid, (title, _) in zip(corpus.passages.pids(rows), corpus.passages.read(rows), strict=True)}


def test_msmarco_takes_titles_from_a_file_in_any_order(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = write_layout("msmarco", tmp_path / "raw", 8)
    lines = [f"{i}\t{title_of(i)}\n" for i in (0, 1, 2, 4, 5, 6, 7)]
    expected = {str(i): title_of(i) for i in range(8)} | {"3": ""}
    for number, order in enumerate((lines, lines[::-1], lines[3:] + lines[:3])):
        path = write_text(tmp_path / f"titles{number}.tsv", "".join(order), packed=number == 2)
        assert titles_by_pid(folder, tmp_path, path) == expected
        assert f"{path}: passages without a title: 1" in caplog.text


def test_a_changed_file_of_titles_is_read_again(tmp_path):
    folder = write_layout("msmarco", tmp_path / "raw", 8)
    path = write_text(tmp_path / "titles.tsv", "0\tRed\n")
    assert titles_by_pid(folder, tmp_path, path)["0"] == "Red"
    assert convert("msmarco", folder, tmp_path).passages.read([0])[0][0] == ""
    write_text(path, "0\tCrimson\n")
    assert titles_by_pid(folder, tmp_path, path)["0"] == "Crimson"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\tRed\n99\tBlue\n", r"titles.tsv:2: title of passage '99', unknown or titled before; .* collection.tsv"),
        ("0\tRed\n0\tBlue\n", r"titles.tsv:2: title of passage '0', unknown or titled before"),
        ("5\tRed\n5\tBlue\n", r"titles.tsv:2: a second title of passage '5'"),
        ("0\tRed\textra\n", r"titles.tsv:1: 3 columns"),
    ],
)
def test_titles_of_no_passage_and_second_titles_are_refused(text, message, tmp_path):
    folder = write_layout("msmarco", tmp_path / "raw", 8)
    with pytest.raises(LabradorError, match=message):
        convert("msmarco", folder, tmp_path, titles=str(write_text(tmp_path / "titles.tsv", text)))


def test_a_missing_file_of_titles_is_refused(tmp_path):
    with pytest.raises(LabradorError, match=r"^data.titles=nowhere: no such file; .*para.title.txt"):
        convert("msmarco", write_layout("msmarco", tmp_path / "raw", 8), tmp_path, titles="nowhere")


@pytest.mark.parametrize(
    ("name", "file", "head"),
    [("msmarco", "collection.tsv", "pid\tpassage"), ("msmarco_doc", "msmarco-docs.tsv", "docid\turl\ttitle\tbody")],
)
def test_a_header_is_no_passage(name, file, head, tmp_path):
    plain = convert(name, write_layout(name, tmp_path / "plain", 24), tmp_path)
    folder = write_layout(name, tmp_path / "headed", 24)
    (folder / file).write_text(f"{head}\n{(folder / file).read_text()}")
    assert convert(name, folder, tmp_path).meta == plain.meta
