"""Natural Questions and TriviaQA in DPR's layout: positives, hard negatives, quotes, contexts without an id."""

import json

import pytest
from conversions import convert, lines_of, texts_in_order, written
from layouts import text_of, title_of, write_layout, write_text

from labrador.errors import LabradorError


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
    """A positive is not a hard negative; a question with hard negatives has no random ones."""
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
    assert "train: queries without a positive in the corpus, left out: 1 (the first: train-1)" in caplog.text


def test_quotes_are_text_in_msmarco_and_csv_in_psgs(tmp_path):
    folder = write_layout("msmarco", tmp_path / "ms", 24)
    write_text(folder / "collection.tsv", '0\t"open quote\n' + "".join(f"{i}\t{i} ok\n" for i in range(1, 24)))
    assert texts_in_order(convert("msmarco", folder, tmp_path))[:2] == [("", '"open quote'), ("", "1 ok")]
    folder = write_layout("nq", tmp_path / "nq", 24)
    rows = "".join(f"{i}\ttext {i}\ttitle\n" for i in range(2, 25))
    write_text(folder / "psgs_w100.tsv", 'id\ttext\ttitle\n1\t"a ""quoted"" word"\t"One, Two"\n' + rows)
    assert texts_in_order(convert("nq", folder, tmp_path))[:1] == [("One, Two", 'a "quoted" word')]


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


def test_the_header_of_psgs_says_the_order_of_its_columns(tmp_path):
    plain = convert("nq", write_layout("nq", tmp_path / "plain", 24), tmp_path)
    psgs = write_layout("nq", tmp_path / "turned", 24) / "psgs_w100.tsv"
    rows = [line.split("\t") for line in psgs.read_text().splitlines()]
    turned = "".join(f"{pid}\t{title}\t{text}\n" for pid, text, title in rows)
    psgs.write_text(turned)
    assert convert("nq", psgs.parent, tmp_path).meta == plain.meta
    psgs.write_text(turned.replace("id\ttitle\ttext", "id\tname\tpassage"))
    with pytest.raises(
        LabradorError, match=r"psgs_w100\.tsv:1: the header id, name, passage; expected id, text, title"
    ):
        convert("nq", psgs.parent, tmp_path)
