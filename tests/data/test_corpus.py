"""Reading and writing the schema."""

import numpy as np
import pyarrow as pa
import pytest

from labrador.data import schema
from labrador.data.arrow_files import Columns
from labrador.data.corpus import Corpus
from labrador.data.judgements import Judgement
from labrador.data.passage_ids import pid_keys
from labrador.data.schema import PASSAGES, Fingerprint
from labrador.data.writer import Passage, Query, SchemaWriter

COUNT = 2 * schema.BATCH_ROWS + 10  # three record batches
IDS = [f"p{i}" for i in range(COUNT)]
ORDER = np.argsort(pid_keys(IDS, 0))  # the number of the id in each row
ROW = np.argsort(ORDER)  # the row of each number


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    out = SchemaWriter(folder, "qrels")
    out.passages(folder, (Passage(i, f"p{i}", f"title {i}", f"text {i} é") for i in range(COUNT)))
    judged = [("b", 4100, 1), ("a", 9, 0), ("a", 8200, 2), ("a", 3, 1), ("a", 3, 1)]
    judgements = out.judgements(folder, (Judgement(i, qid, f"p{row}", g) for i, (qid, row, g) in enumerate(judged)))
    queries = [Query(1, "a", "first"), Query(2, "b", "second"), Query(3, "c", "third")]
    out.split("test", folder, queries, judgements)
    out.finish()
    return Corpus(folder)


def test_rows_are_read_in_the_order_asked_for_and_across_batches(corpus):
    rows = np.array([8201, 0, 4096, 4095, 0, 8191])
    assert corpus.passages.pids(rows) == [f"p{i}" for i in ORDER[rows]]
    assert corpus.passages.read(rows) == [(f"title {i}", f"text {i} é") for i in ORDER[rows]]
    assert corpus.source_rows().tolist() == ORDER.tolist()
    assert corpus.passages.pids([]) == []
    assert len(corpus.passages) == COUNT


@pytest.mark.parametrize("row", [-1, COUNT])
def test_a_row_that_is_not_there_is_an_index_error(corpus, row):
    with pytest.raises(IndexError, match=f"expected 0..{COUNT - 1}"):
        corpus.passages.pids([0, row])


@pytest.mark.parametrize("size", [1000, schema.BATCH_ROWS, 5000, COUNT + 1])
def test_batches_hold_every_passage_once_in_order(corpus, size):
    batches = list(corpus.passages.batches(size))
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert [text for batch in batches for _, text in batch] == [f"text {i} é" for i in ORDER]


def test_judgements_stand_by_query_in_the_order_of_the_source_and_repeats_are_merged(corpus):
    query_rows, passage_rows, grades = corpus.qrels("test")
    assert query_rows.tolist() == [0, 0, 0, 1]
    assert passage_rows.tolist() == ROW[[9, 8200, 3, 4100]].tolist()
    assert grades.tolist() == [0, 2, 1, 1]
    assert [row.tolist() for row in corpus.positives("test")] == [ROW[[8200, 3]].tolist(), [ROW[4100]], []]
    assert isinstance(np.load(corpus.folder / "qrels-test.npy", mmap_mode="r"), np.memmap)


def test_reading_rows_does_not_read_the_other_columns(corpus, monkeypatch):
    monkeypatch.setattr(pa.ipc.RecordBatchFileReader, "read_all", None)  # would join the columns
    assert Columns(corpus.folder / "passages.arrow").take([5, 4200], ("pid",)) == [[f"p{i}" for i in ORDER[[5, 4200]]]]


def fingerprint_of(*columns):
    fingerprint = Fingerprint()
    fingerprint.add_batch(pa.record_batch([pa.array(column, pa.string()) for column in columns], PASSAGES))
    return fingerprint.hexdigest()


def test_fingerprints_tell_where_a_text_ends():
    base = fingerprint_of(["1", "2"], ["ab", "c"], ["x", "y"])
    assert base == fingerprint_of(["1", "2"], ["ab", "c"], ["x", "y"])
    assert base != fingerprint_of(["1", "2"], ["a", "bc"], ["x", "y"])
    assert base != fingerprint_of(["1", "2"], ["ab", ""], ["cx", "y"])
    assert base != fingerprint_of(["2", "1"], ["ab", "c"], ["x", "y"])


def test_fingerprints_see_the_values_of_a_slice_alone():
    batch = pa.record_batch([pa.array(["a", "b", "c"], pa.string())] * 3, PASSAGES)
    sliced, whole = Fingerprint(), Fingerprint()
    sliced.add_batch(batch.slice(1))
    whole.add_batch(pa.record_batch([pa.array(["b", "c"], pa.string())] * 3, PASSAGES))
    assert sliced.hexdigest() == whole.hexdigest()


def test_fingerprints_of_answers_tell_null_from_empty_and_one_query_from_the_next():
    def of(answers):
        columns = [pa.array(["1", "2"]), pa.array(["q", "r"]), pa.array(answers, pa.list_(pa.string()))]
        fingerprint = Fingerprint()
        fingerprint.add_batch(pa.record_batch(columns, schema.QUERIES))
        return fingerprint.hexdigest()

    variants = [[None, None], [[], []], [["a"], ["b"]], [["a", "b"], []], [["ab"], []]]
    assert len({of(answers) for answers in variants}) == len(variants)
