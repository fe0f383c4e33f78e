"""A folder in BEIR's layout, as people write it."""

import pytest
from conversions import ASKED, TWO, convert, small_beir, written
from layouts import write_layout

from labrador.errors import LabradorError


def test_a_beir_folder_without_train_judgements_has_no_train_split(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "train.tsv").unlink()
    (folder / "qrels" / "dev.tsv").unlink()
    assert convert("beir", folder, tmp_path).splits == ("test",)
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(LabradorError, match=r"expected qrels/test.tsv there .*; the data has no test split; put the"):
        convert("beir", folder, tmp_path)


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


def test_judgements_of_a_header_alone_are_named(tmp_path):
    folder = write_layout("beir", tmp_path / "raw", 24)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(LabradorError, match=r"qrels/test.tsv: no judgements; expected at least one"):
        convert("beir", folder, tmp_path)
