"""Every published layout becomes the same corpus, gzip or plain, and bad input names its file and line."""

import json
from pathlib import Path

import numpy as np
import pytest
from layouts import LAYOUTS, keeper, question_of, rows_of, text_of, title_of, write_layout, write_text

from labrador.data.beir import Beir
from labrador.data.msmarco import MsMarco
from labrador.data.msmarco_doc import MsMarcoDoc
from labrador.data.nq import Nq
from labrador.data.prepare import prepare
from labrador.data.trivia import Trivia
from labrador.errors import LabradorError
from labrador.metrics.ranking import score_ranking
from labrador.store import Store

SOURCES = {"beir": Beir, "msmarco": MsMarco, "msmarco_doc": MsMarcoDoc, "nq": Nq, "trivia": Trivia}
PID = {"beir": "p{}", "msmarco": "{}", "msmarco_doc": "D{}", "nq": "{}", "trivia": "{}"}


def convert(name, folder, tmp_path, **settings):
    """The corpus of a run that needs every split that is there."""
    source = SOURCES[name](path=str(folder), **settings)
    return prepare(source, Store(tmp_path / "store"), source.there(Path(folder)))


def lines_of(corpus, rows):
    """Which passage of its file each row is, from 0."""
    return corpus.source_rows()[np.asarray(rows, dtype=np.int64)].tolist()


def texts_in_order(corpus):
    """Titles and texts as the file has them."""
    return corpus.passages.read(np.argsort(corpus.source_rows()))


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


@pytest.mark.parametrize("name", ["nq", "trivia"])
def test_curly_apostrophes_of_questions_are_straight_in_every_split_and_stay_in_passages(name, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    for path in folder.iterdir():
        text = path.read_text()
        path.write_text(text.replace("who keeps", "who’s keeping").replace("Its keeper", "It’s keeper"))
    corpus = convert(name, folder, tmp_path)
    for split in ("train", "dev", "test"):
        assert all(text.startswith("who's keeping") for text in corpus.queries(split).texts)
    assert all("It’s keeper" in text for _, text in corpus.passages.read(range(24)))


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
    with pytest.raises(LabradorError, match=r"^test: .*it has train, dev"):
        corpora["msmarco"].queries("test")


def test_hard_negatives_come_in_the_files_order(tmp_path):
    nq = convert("nq", write_layout("nq", tmp_path / "nq", 24), tmp_path)
    assert [lines_of(nq, row) for row in nq.hard_negatives("train")][:3] == [[8, 3], [9, 4], [10, 5]]
    assert [lines_of(nq, row) for row in nq.hard_negatives("dev")][:2] == [[12, 7], [13, 8]]  # what dev is ranked among
    beir = convert("beir", write_layout("beir", tmp_path / "beir", 24), tmp_path)
    assert beir.hard_negatives("train") is None
    assert beir.fingerprint("negatives-train") == "none"


def test_positives_come_in_the_files_order(tmp_path):
    folder = write_layout("trivia", tmp_path / "raw", 24)
    path = folder / "biencoder-trivia-train.json"
    questions = json.loads(path.read_text())
    ranked = ["9", "2", "24", "5", "9", "1"]
    questions[0]["positive_ctxs"] = [{"psg_id": pid} for pid in ranked]
    path.write_text(json.dumps(questions))
    corpus = convert("trivia", folder, tmp_path)
    assert corpus.passages.pids(corpus.positives("train")[0]) == ["9", "2", "24", "5", "1"]
    cut = convert("trivia", folder, tmp_path, max_passages=20)
    assert cut.passages.pids(cut.positives("train")[0]) == ["9", "2", "24", "5", "1"]


def test_hard_negatives_hold_no_positive_and_no_repeat(tmp_path):
    folder = write_layout("nq", tmp_path / "nq", 24)
    path = folder / "biencoder-nq-train.json"
    questions = json.loads(path.read_text())
    questions[0]["positive_ctxs"] += [{"passage_id": "5"}, {"passage_id": "1"}]
    questions[0]["hard_negative_ctxs"] = [{"passage_id": pid} for pid in ("9", "5", "2", "9")]
    path.write_text(json.dumps(questions))
    corpus = convert("nq", folder, tmp_path)
    assert lines_of(corpus, corpus.positives("train")[0]) == [0, 4]
    assert lines_of(corpus, corpus.hard_negatives("train")[0]) == [8, 1]


def test_the_positives_of_a_question_keep_the_files_order(tmp_path):
    folder = write_layout("trivia", tmp_path / "trivia", 24)
    path = folder / "biencoder-trivia-train.json"
    questions = json.loads(path.read_text())
    questions[0]["positive_ctxs"] = [{"psg_id": pid} for pid in ("9", "3", "12", "3", "1")]
    path.write_text(json.dumps(questions))
    corpus = convert("trivia", folder, tmp_path)
    assert corpus.passages.pids(corpus.positives("train")[0]) == ["9", "3", "12", "1"]
    assert corpus.positive == "first"


def test_a_question_without_a_hard_negative_has_the_sources_random_ones(tmp_path):
    """A hard negative that is a positive is none. One with hard negatives of its own has no random ones."""
    folder = write_layout("nq", tmp_path / "nq", 24)
    path = folder / "biencoder-nq-train.json"
    questions = json.loads(path.read_text())
    for row, hard in enumerate(([], ["2"], ["9"])):
        questions[row]["hard_negative_ctxs"] = [{"passage_id": pid} for pid in hard]
        questions[row]["negative_ctxs"] = [{"passage_id": pid} for pid in ("20", "1", "7")]
    questions[3]["hard_negative_ctxs"] = []
    path.write_text(json.dumps(questions))
    corpus = convert("nq", folder, tmp_path)
    hard = [corpus.passages.pids(rows) for rows in corpus.hard_negatives("train")]
    assert hard[:4] == [["20", "7"], ["20", "1", "7"], ["9"], []]


@pytest.mark.parametrize(("name", "positive"), [("nq", "first"), ("trivia", "first"), ("beir", "any")])
def test_which_positive_is_trained_on(tmp_path, name, positive):
    assert convert(name, write_layout(name, tmp_path / name, 24), tmp_path).positive == positive


def test_questions_without_a_positive_are_left_out_of_nq_train(tmp_path, caplog):
    folder = write_layout("nq", tmp_path / "nq", 24)
    path = folder / "biencoder-nq-train.json"
    questions = json.loads(path.read_text())
    questions[1]["positive_ctxs"] = []
    path.write_text(json.dumps(questions))
    with caplog.at_level("INFO"):
        corpus = convert("nq", folder, tmp_path)
    assert corpus.queries("train").qids[:2] == ["train-0", "train-2"]
    assert "train: questions without a positive that the corpus has, left out: 1 (the first: train-1)" in caplog.text


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


def test_a_beir_folder_without_train_judgements_has_no_train_split(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "train.tsv").unlink()
    (folder / "qrels" / "dev.tsv").unlink()
    assert convert("beir", folder, tmp_path).splits == ("test",)
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(LabradorError, match=r"qrels/test.tsv expected there .*; the data has no test split; put the"):
        convert("beir", folder, tmp_path)


def test_quotes_are_text_in_msmarco_and_csv_in_psgs(tmp_path):
    folder = write_layout("msmarco", tmp_path / "ms", 24)
    write_text(folder / "collection.tsv", '0\t"open quote\n' + "".join(f"{i}\t{i} ok\n" for i in range(1, 24)))
    assert texts_in_order(convert("msmarco", folder, tmp_path))[:2] == [("", '"open quote'), ("", "1 ok")]
    folder = write_layout("nq", tmp_path / "nq", 24)
    rows = "".join(f"{i}\ttext {i}\ttitle\n" for i in range(2, 25))
    write_text(folder / "psgs_w100.tsv", 'id\ttext\ttitle\n1\t"a ""quoted"" word"\t"One, Two"\n' + rows)
    assert texts_in_order(convert("nq", folder, tmp_path))[:1] == [("One, Two", 'a "quoted" word')]


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


def texts_of(name, folder, tmp_path, text):
    corpus = convert(name, folder, tmp_path, text=text)
    return set(corpus.passages.read(range(len(corpus.passages))))


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
        ("0\tRed\n99\tBlue\n", r"titles.tsv:2: title of passage '99', which collection.tsv does not have"),
        ("0\tRed\n0\tBlue\n", r"titles.tsv:2: title of passage '0'.* no second title"),
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


def written(corpus, split="test"):
    """All that a split and the passages hold, by the ids of the source."""
    rows, passages, grades = corpus.qrels(split)
    queries = corpus.queries(split)
    pids = corpus.passages.pids(np.arange(len(corpus.passages)))
    texts = dict(zip(pids, corpus.passages.read(np.arange(len(pids))), strict=True))
    judged = [(queries.qids[row], pids[at], grade) for row, at, grade in zip(rows, passages, grades, strict=True)]
    return dict(zip(queries.qids, queries.texts, strict=True)), sorted(judged), texts


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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["beir", "nq"])
def test_utf_16_is_named(name, encoding, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        path.write_bytes(whole.decode().encode(encoding))
        with pytest.raises(
            LabradorError, match=r"UTF-16 or UTF-32 text found; expected UTF-8; convert it with iconv"
        ) as caught:
            convert(name, folder, tmp_path)
        assert str(caught.value).startswith(f"{path}:1: ")
        path.write_bytes(whole)


def small_beir(folder, passages=(), queries=(), **qrels):
    """A folder of the given JSON lines and, by split, the given text of judgements."""
    write_text(folder / "corpus.jsonl", "".join(json.dumps(row) + "\n" for row in passages))
    write_text(folder / "queries.jsonl", "".join(json.dumps(row) + "\n" for row in queries))
    for split, text in qrels.items():
        write_text(folder / "qrels" / f"{split}.tsv", text)
    return folder


TWO = [{"_id": "p0", "title": "Heron", "text": "It fishes."}, {"_id": "p1", "title": "Fox", "text": "It hunts."}]
ASKED = [{"_id": "q0", "text": "what fishes", "metadata": {"url": "x"}}, {"_id": "q1", "text": "what hunts"}]


@pytest.mark.parametrize(
    "judgements",
    [
        "q0\tp0\t1\nq1\tp1\t2\n",
        "query-id\tcorpus-id\tscore\nq0\tp0\t1\nq1\tp1\t2\n",
        "qid\tcid\tscore\nq0\tp0\t1\nq1\tp1\t2\n",
        "the query id\tthe passage id\tits grade\nq0\tp0\t1\nq1\tp1\t2\n",
        "qid cid score\nq0 p0 1\nq1 p1 2\n",
        "q0 0 p0 1\nq1 0 p1 2\n",
        "q0\t0\tp0\t1\nq1\t0\tp1\t2\n",
        "qid iter docno rel\nq0  Q0  p0  1\nq1  Q0  p1  2\n",
        "\n\nqid\tpid\trel\n\nq0\tp0\t1.0\n \nq1\tp1\t2.\n\n",
        "q0\tp0\t1.00\nq1\tp1\t2e0\n",
        " q0 \tp0\t +1\nq1\tp1 \t2\nq1\tp1\t2\n",
    ],
)
def test_judgements_in_any_of_their_layouts(judgements, tmp_path):
    corpus = convert("beir", small_beir(tmp_path / "raw", TWO, ASKED, test=judgements), tmp_path)
    assert written(corpus)[1] == [("q0", "p0", 1), ("q1", "p1", 2)]


def test_negative_grades_are_kept(tmp_path):
    corpus = convert("beir", small_beir(tmp_path / "raw", TWO, ASKED, test="q0 0 p0 -2\nq0 0 p1 1\n"), tmp_path)
    assert written(corpus)[1] == [("q0", "p0", -2), ("q0", "p1", 1)]


def test_ids_may_be_whole_numbers(tmp_path):
    big = 10**30
    passages = [{"_id": 0, "text": "a"}, {"_id": big, "text": "b"}, {"_id": "-7", "text": "c"}]
    queries = [{"_id": 0, "text": "which"}, {"_id": 1, "text": "who"}]
    folder = small_beir(tmp_path / "raw", passages, queries, test=f"0\t{big}\t1\n1\t0\t1\n1\t-7\t1\n")
    questions, judged, texts = written(convert("beir", folder, tmp_path))
    assert questions == {"0": "which", "1": "who"}
    assert judged == [("0", str(big), 1), ("1", "-7", 1), ("1", "0", 1)]
    assert texts == {"0": ("", "a"), str(big): ("", "b"), "-7": ("", "c")}


def test_a_missing_text_is_an_empty_one(tmp_path):
    more = [
        {"_id": "p2", "title": "Otter", "text": None},
        {"_id": "p3", "title": "Newt"},
        {"_id": "p4", "title": None, "text": "x"},
    ]
    corpus = convert("beir", small_beir(tmp_path / "raw", [*TWO, *more], ASKED, test="q0\tp2\t1\n"), tmp_path)
    texts = written(corpus)[2]
    assert (texts["p2"], texts["p3"], texts["p4"]) == (("Otter", ""), ("Newt", ""), ("", "x"))


def test_a_question_that_nobody_judges_may_have_no_text(tmp_path):
    folder = small_beir(tmp_path / "raw", TWO, [*ASKED, {"_id": "q2", "text": None}], test="q0\tp0\t1\n")
    assert list(written(convert("beir", folder, tmp_path))[0]) == ["q0"]


PRINTED = [
    ("1", "The lighthouse was lit in 1851.", "Skerry"),
    ("2", '"Hold fast" said the mate to the crew.', "Sayings"),
    ("3", 'He was called "Red" by all.', "Names"),
    ("4", '"Never again', "Sayings"),
    ("5", '"To the boats!"', '"Last" words'),
]


def test_a_passage_file_printed_with_its_quotes_is_read_as_it_stands(tmp_path):
    folder = write_layout("nq", tmp_path / "nq", 5)
    write_text(folder / "psgs_w100.tsv", "id\ttext\ttitle\n" + "".join("\t".join(row) + "\n" for row in PRINTED))
    write_text(folder / "nq-test.qa.csv", "who said hold fast?\t['\"Hold fast\" said']\n")
    corpus = convert("nq", folder, tmp_path)
    assert written(corpus)[2] == {pid: (title, text) for pid, text, title in PRINTED}
    assert corpus.queries("test").answers == [['"Hold fast" said']]


BAD = [
    ("msmarco", "collection.tsv", 3, "2\ta\tb", r"3 columns; expected 2: passage id, text"),
    ("msmarco", "collection.tsv", 3, "0\tagain", r"passage id '0' is a duplicate of line 1's"),
    ("msmarco", "collection.tsv", 3, "\ttext", r"the passage id is empty"),
    ("msmarco", "collection.tsv", 3, "a b\ttext", r"passage id 'a b' holds white space"),
    ("msmarco", "queries.train.tsv", 2, "1", r"1 column; expected 2: query id, text"),
    ("msmarco", "queries.train.tsv", 2, "1\t ", r"query '1' has an empty text"),
    ("msmarco", "queries.train.tsv", 13, "0\tagain", r"query id '0' is a duplicate of line 1's"),
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
    ("msmarco", "qrels.train.tsv", 2, "0\t0\t0\t2", r"'0': grade 2, but 1 on line 1; one grade was expected"),
    ("msmarco_doc", "msmarco-docs.tsv", 2, "D1\tu\tt", r"3 columns; expected 4: document id, url, title, body"),
    ("beir", "corpus.jsonl", 4, "{", r"expected a JSON object \("),
    ("beir", "corpus.jsonl", 4, '{"_id": 3.0, "text": "x"}', r"'_id' is 3.0; expected a string such as .*whole number"),
    ("beir", "corpus.jsonl", 4, '{"_id": true, "text": "x"}', r"'_id' is True; expected a string"),
    ("beir", "corpus.jsonl", 4, '{"_id": null, "text": "x"}', r"'_id' is None; expected a string"),
    ("beir", "corpus.jsonl", 4, '{"id": "p3", "text": "x"}', r"'_id' is not there; expected a string"),
    (
        "beir",
        "corpus.jsonl",
        4,
        '{"_id": "p3", "contents": "x"}',
        r"'_id', 'contents' found; expected 'title' or 'text'",
    ),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "text": ["x"]}', r"'text' is \['x'\]; expected a string, or null"),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "n": ' + "9" * 5000 + "}", r"expected a JSON object \("),
    ("beir", "corpus.jsonl", 4, '["_id"]', r"a list found; expected a JSON object"),
    ("beir", "queries.jsonl", 4, '{"_id": "q3"}', r"'_id' found; expected 'text' with a text"),
    (
        "beir",
        "corpus.jsonl",
        4,
        '{"_id": "p1", "title": "", "text": ""}',
        r"passage id 'p1' is a duplicate of line 2's",
    ),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "title": 1, "text": "a"}', r"'title' is 1; expected a string, or null"),
    ("beir", "corpus.jsonl", 4, '{"_id": "p3", "text": "\\ud83d"}', r"half a surrogate pair is no character"),
    ("beir", "qrels/train.tsv", 2, "q0\tp0", r"2 columns; expected 3, as on the lines before"),
    ("beir", "qrels/train.tsv", 1, "q0\tp0", r"2 columns; expected 3 \(query-id, corpus-id, score\) or TREC's 4"),
    ("beir", "qrels/train.tsv", 1, "q0\tp0\t", r"grade ''; expected a whole number"),
    ("beir", "qrels/train.tsv", 2, "q0\tp0\t", r"grade ''; expected a whole number"),
    ("beir", "qrels/train.tsv", 2, "q0\t0\tp0\t1", r"4 columns; expected 3, as on the lines before"),
    ("beir", "qrels/train.tsv", 2, "q0\tp 0\t1", r"'p 0' holds white space; expected tabs, or blanks, between all"),
    ("nq", "psgs_w100.tsv", 3, "2\ttext", r"2 columns; expected 3: id, text, title"),
    ("nq", "psgs_w100.tsv", 3, "1\ttext\ttitle", r"passage id '1' is a duplicate of line 2's"),
    ("nq", "psgs_w100.tsv", 24, '23\t"never closed\ttitle', r"'\"never closed': its quotes can be CSV's or text"),
    ("nq", "psgs_w100.tsv", 25, '24\ttext\t"never closed', r"'\"never closed': .* set data.quotes=csv if .*=text if"),
    ("nq", "nq-test.qa.csv", 2, "who\t__import__('os')", r"answers \"__import__\('os'\)\"; a list literal such as"),
    ("nq", "nq-test.qa.csv", 2, "who\t['open", r"a list literal such as"),
    ("nq", "nq-test.qa.csv", 2, "who\t[]", r"answers \[\]; a list of one or more strings was expected"),
    ("nq", "nq-test.qa.csv", 2, "who\t'a'", r"answers 'a'; a list of one or more strings was expected"),
    ("nq", "nq-test.qa.csv", 2, "who", r"1 column; expected 2: question, answers"),
    ("nq", "biencoder-nq-train.json", 3, '"dataset": oops,', r"expected a whole JSON object"),
    ("nq", "biencoder-nq-train.json", 2, "[", r"'\[' found; expected a JSON object with a question"),
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


def write_packed(path):
    import gzip

    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def test_judgements_of_a_header_alone_are_named(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(LabradorError, match=r"qrels/test.tsv: no judgements; expected at least one"):
        convert("beir", folder, tmp_path)


def test_what_no_passage_answers_is_left_out_of_train(tmp_path, caplog):
    folder = write_layout("beir", tmp_path / "raw", 24)
    path = folder / "qrels" / "train.tsv"
    judgements = path.read_text().replace("q1\tp1\t1", "q1\tp1\t0").replace("q2\tp2\t1", "q2\tp99\t1")
    path.write_text(judgements + "q3\tp98\t1\n")
    with caplog.at_level("INFO"):
        corpus = convert("beir", folder, tmp_path)
    assert corpus.queries("train").qids[:3] == ["q0", "q3", "q8"]
    line = "train: questions without a positive that the corpus has, left out: 2 (the first: q1)"
    assert line in caplog.messages
    assert (
        "train: judgements of passages that the corpus lacks or that have no text, counted as not found: 1 (the first: "
        "p98)"
    ) in caplog.messages
    assert [corpus.passages.pids(row) for row in corpus.positives("train")][:3] == [["p0"], ["p3"], ["p8"]]
    caplog.clear()
    with caplog.at_level("INFO"):
        convert("beir", folder, tmp_path)
    assert line in caplog.messages  # of a run that finds it in the store, too


def test_train_judgements_that_are_all_zero_are_no_train_split(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "train.tsv").write_text("q0\tp0\t0\nq1\tp1\t0\n")
    assert convert("beir", folder, tmp_path).splits == ("dev", "test")


def test_judgements_of_what_is_not_there_count_as_not_found(tmp_path, caplog):
    more = [{"_id": "blank", "title": " ", "text": ""}, {"_id": "blank2"} | {"text": None}]
    judged = "q0\tp0\t1\nq0\tp9\t2\nq0\tblank\t1\nq1\tp8\t1\nq9\tp0\t1\nq9\tp1\t1\n"
    folder = small_beir(tmp_path / "raw", [*TWO[:1], *more, TWO[1]], [*ASKED, {"_id": "q2", "text": "x"}], test=judged)
    with caplog.at_level("INFO"):
        corpus = convert("beir", folder, tmp_path)
    lines = [line for line in caplog.messages if "the first" in line]
    assert lines == [
        "passages: passages without any text, left out: 2 (the first: blank)",
        "questions: questions that no split judges, left out: 1 (the first: q2)",
        "test: judgements of passages that the corpus lacks or that have no text, counted as not found: 3 (the first: "
        "p9)",
        "test: judged questions that the file of the questions lacks, left out: 1 (the first: q9)",
    ]
    questions, reachable, texts = written(corpus)
    assert (list(questions), reachable, sorted(texts)) == (["q0", "q1"], [("q0", "p0", 1)], ["p0", "p1"])
    rows, passages, grades = (column.tolist() for column in corpus.judgements("test"))
    assert sorted(zip(rows, grades, strict=True)) == [(0, 1), (0, 1), (0, 2), (1, 1)]
    assert sum(passage < 0 for passage in passages) == 3
    assert corpus.positives("test").lengths.tolist() == [1, 0]
    hits = np.array([corpus.passages.pids([0, 1]).index("p0")]), np.array([1])
    ids = np.array([[hits[0][0], 1 - hits[0][0]]] * 2)
    found = score_ranking(ids, corpus.judgements("test"), passages=2, metrics=("R@2", "nDCG@2", "MRR@2"))
    best = 2 + 1 / np.log2(3)  # the passage of grade 2 first, one of grade 1 next
    assert found.means == pytest.approx({"R@2": (1 / 3 + 0) / 2, "nDCG@2": (1 / best + 0) / 2, "MRR@2": 1 / 2})
    again = convert("beir", folder, tmp_path, max_passages=1)
    assert [np.array(column).tolist() for column in again.judgements("test")][2] == grades


def test_judgements_of_another_corpus_are_an_error(tmp_path):
    for judged, problem in (
        ("q0\tx1\t1\nq1\tx2\t1\n", "1: a judgement for passage 'x1', and the corpus has none of the passages"),
        ("x0\tp0\t1\n", "1: a judgement for query 'x0', and the queries file has none of the queries"),
    ):
        folder = small_beir(tmp_path / "raw", TWO, ASKED, test=judged)
        with pytest.raises(LabradorError, match=f"test.tsv:{problem}"):
            convert("beir", folder, tmp_path)


def contexts(**lists):
    return json.dumps([{"question": "who", "answers": ["a"], **lists}])


def test_contexts_without_an_id_are_found_by_title_and_text(tmp_path):
    folder = write_layout("nq", tmp_path / "nq", 24)
    named = [{"title": title_of(i), "text": f" {text_of(i)}  "} for i in range(4)]
    named[1]["passage_id"] = None
    lists = {
        "positive_ctxs": named[:1],
        "hard_negative_ctxs": [named[2], named[1], {"psg_id": 4}, {"passage_id": "99"}],
    }
    (folder / "biencoder-nq-train.json").write_text(contexts(**lists))
    corpus = convert("nq", folder, tmp_path)
    assert corpus.passages.pids(corpus.positives("train")[0]) == ["1"]
    assert corpus.passages.pids(corpus.hard_negatives("train")[0]) == ["3", "2", "4"]
    assert corpus.meta["left_out"]["train"] == {"unknown negatives": {"count": 1, "first": "99"}}


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        ({"title": "Red Fox", "text": "not there"}, "no passage has its title and text"),
        ({"title": "Twice", "text": "the same"}, "'24' and '25' have its title and text|'25' and '24' have its title"),
        ({"title": "Red Fox"}, "expected 'passage_id', 'psg_id', or its text"),
        ({"passage_id": True}, "has the id True; expected a string or a whole number"),
        ("7", "has '7'; expected passages with 'passage_id'"),
    ],
)
def test_contexts_that_name_no_one_passage_are_refused(tmp_path, context, problem):
    folder = write_layout("nq", tmp_path / "nq", 23)
    with (folder / "psgs_w100.tsv").open("a") as file:
        file.write("24\tthe same\tTwice\n25\tthe  same\tTwice\n")
    (folder / "biencoder-nq-train.json").write_text(contexts(positive_ctxs=[context]))
    with pytest.raises(LabradorError, match=rf"biencoder-nq-train.json:1: .*({problem})"):
        convert("nq", folder, tmp_path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_the_files_that_are_read_must_be_there(name, tmp_path):
    folder = write_layout(name, tmp_path / "raw", 24)
    source = SOURCES[name](path=str(folder))
    keep = set(source.passage_names + source.split_names(folder, source.split))
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.relative_to(folder).as_posix() not in keep:
            path.unlink()
    assert convert(name, folder, tmp_path).splits == (source.split,)


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
    with pytest.raises(LabradorError, match=r"^data.path=.*corpus.jsonl: it is a file; expected a folder"):
        convert("beir", tmp_path / "corpus.jsonl", tmp_path)
    with pytest.raises(LabradorError, match=r"^data.path=null: data=beir needs the folder"):
        prepare(Beir(), Store(tmp_path))


@pytest.mark.parametrize("settings", [{"split": "validation"}, {"max_passages": 0}])
def test_settings_are_checked(settings):
    ((key, value),) = settings.items()
    with pytest.raises(LabradorError, match=f"^data.{key}={value}: "):
        Beir(path="x", **settings)


def test_a_split_that_a_set_does_not_have_is_told_at_once():
    with pytest.raises(LabradorError, match=r"^data.split=test: expected one of train, dev"):
        MsMarco(split="test")


def test_data_are_called_by_their_folder_their_option_or_the_name_that_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Beir(path="corpora/scifact/").title == "scifact"
    assert Beir(path="corpora/nfcorpus/../fiqa").title == "fiqa"
    assert Beir(path=".").title == tmp_path.name
    assert Beir(path="corpora/scifact", name="SciFact").title == "SciFact"
    assert Nq(path="somewhere").title == Nq().title == "nq"
    with pytest.raises(LabradorError, match=r"data\.name=' ': expected a name, or null"):
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
