"""Passages of one text: found whatever their white space, never negatives of the question whose positive they equal."""

import numpy as np
import pytest

from labrador.arrays.ragged import Ragged
from labrador.data import duplicates
from labrador.data.arrow_files import Columns
from labrador.data.corpus import Corpus
from labrador.data.judgements import Judgement
from labrador.data.schema import PASSAGES_FILE, SAMPLE_FILE
from labrador.data.writer import Passage, Query, SchemaWriter
from labrador.training.train_set import Labels, TrainSet

PASSAGES = [
    ("Heron", "It stands in water."),  # 0: its duplicates are 2, 3 and 5
    ("Otter", "It swims."),
    ("Heron", "It  stands\nin water. "),
    ("", "It stands in water."),
    ("Stork", "It stands in water."),  # of another title
    ("Heron", "It stands in water."),
    ("Lynx", ""),  # its duplicate is 8: a title stands for the text that is missing
    ("Otter", "it swims."),  # another case is another text
    ("", "Lynx"),
]
JUDGED = [("a", 0), ("b", 1), ("c", 6), ("c", 8)]


def written(folder, passages, judged=JUDGED, negatives=None):
    out = SchemaWriter(folder, "qrels")
    out.passages(folder, (Passage(i, f"p{i}", title, text) for i, (title, text) in enumerate(passages)))
    queries = [Query(i, qid, f"what is {qid}") for i, qid in enumerate(dict.fromkeys(qid for qid, _ in judged))]
    own = None
    if negatives:
        own = out.judgements(folder, (Judgement(i, qid, f"p{row}", 0) for i, (qid, row) in enumerate(negatives)))
    judgements = out.judgements(folder, (Judgement(i, qid, f"p{row}", 1) for i, (qid, row) in enumerate(judged)))
    out.split("train", folder, queries, judgements, own)
    out.finish()
    return Corpus(folder)


def by_pid(corpus, lists):
    """The passages' numbers in PASSAGES, whatever the order of the rows."""
    return [sorted(int(pid[1:]) for pid in corpus.passages.pids(rows)) for rows in lists]


def test_texts_equal_to_a_positives_are_never_negatives(tmp_path):
    corpus = written(tmp_path, PASSAGES)
    assert by_pid(corpus, corpus.positives("train")) == [[0], [1], [6, 8]]
    assert by_pid(corpus, corpus.spared("train")) == [[0, 2, 3, 5], [1], [6, 8]]


def test_hard_negatives_of_the_source_lose_them(tmp_path):
    corpus = written(tmp_path, PASSAGES, negatives=[("a", 5), ("a", 7), ("a", 4), ("a", 2), ("b", 0)])
    assert by_pid(corpus, corpus.hard_negatives("train")) == [[4, 7], [0], []]


def test_pseudo_labels_positives_have_duplicates_too(tmp_path):
    corpus = written(tmp_path, PASSAGES)
    rows = {int(pid[1:]): row for row, pid in enumerate(corpus.passages.pids(range(len(PASSAGES))))}
    found = Ragged.from_lists([[], [rows[0]], []]), Ragged.from_lists([[rows[5]], [rows[5], rows[4]], [rows[1]]])
    labelled = TrainSet.of(corpus).labelled(Labels(*found, np.ones(3, dtype=bool), "key"), corpus, judged=True)
    assert by_pid(corpus, labelled.spared) == [[0, 2, 3, 5], [0, 1, 2, 3, 5], [6, 8]]
    assert by_pid(corpus, labelled.negatives.lists) == [[], [4], [1]]


def test_its_fingerprint_is_of_what_is_spared(tmp_path):
    one = written(tmp_path / "a", PASSAGES) if (tmp_path / "a").mkdir() is None else None
    (tmp_path / "b").mkdir()
    other = written(tmp_path / "b", [(title, f"{text}{i}") for i, (title, text) in enumerate(PASSAGES)])
    assert one.fingerprint("qrels-train") == other.fingerprint("qrels-train")
    assert one.fingerprint("spared-train") != other.fingerprint("spared-train")


@pytest.mark.parametrize("texts", [["one"], ["one", "two"], ["one"] * 5])
def test_few_passages(tmp_path, texts):
    corpus = written(tmp_path, [("", text) for text in texts], [("a", 0)])
    assert len(corpus.spared("train")[0]) == (len(texts) if len(set(texts)) == 1 else 1)


def test_the_sample_is_the_same_texts_in_any_order_of_the_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicates, "SAMPLE", 6)
    monkeypatch.setattr(duplicates, "CHUNK", 7)
    passages = [("", f"text {i % 40}") for i in range(50)]
    samples = []
    for name, order in (("a", passages), ("b", passages[::-1])):
        (tmp_path / name).mkdir()
        corpus = written(tmp_path / name, order, [("a", 0)])
        rows = np.load(corpus.folder / SAMPLE_FILE)
        assert len(set(rows.tolist())) == 6
        samples.append({text for _, text in corpus.passages.read(rows)})
    assert samples[0] == samples[1]
    assert len(samples[0]) == 6


def test_a_passage_without_anything_has_no_duplicate():
    assert duplicates.text_hash(" \n") == duplicates.BLANK != duplicates.text_hash("a")


def test_columns_are_read_once_for_all_texts(tmp_path):
    corpus = written(tmp_path, PASSAGES)
    found, sample = duplicates.find_duplicates(Columns(corpus.folder / PASSAGES_FILE))
    assert len(sample) == len({" ".join(text.split()) or title for title, text in PASSAGES})
    assert len(found.rows) == 7  # 0, 2, 3, 4, 5 and 6, 8
