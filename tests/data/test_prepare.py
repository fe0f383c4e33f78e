"""Conversion and subsets through the store."""

import json
import os
import shutil

import numpy as np
import pytest
from layouts import write_layout

from labrador.data import download
from labrador.data.beir import Beir
from labrador.data.nq import Nq
from labrador.data.prepare import prepare
from labrador.errors import LabradorError
from labrador.store import Store

PARTS = ("passages", "queries-train", "qrels-train", "negatives-train", "queries-test")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A BEIR folder of 64 passages, of which pairs 0, 1 and 8, 9 alone are judged."""
    folder = write_layout("beir", tmp_path_factory.mktemp("raw"))
    header = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "train.tsv").write_text(header + "q0\tp0\t1\nq1\tp1\t2\nq1\tp9\t0\n")
    (folder / "qrels" / "test.tsv").write_text(header + "q8\tp8\t1\n")
    (folder / "qrels" / "dev.tsv").unlink()
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


def test_made_once_and_again_only_when_the_raw_files_change(raw, store, tmp_path):
    first = prepare(Beir(path=str(raw)), store)
    assert prepare(Beir(path=str(raw), split="train"), store).key == first.key
    assert prepare(Beir(path=str(raw), seed=5), store).key != first.key
    os.utime(raw / "queries.jsonl", ns=(1, 1))
    touched = prepare(Beir(path=str(raw)), store)
    assert touched.key != first.key
    assert touched.meta == first.meta


def test_the_order_of_the_lines_changes_nothing_but_where_they_were(raw, store, tmp_path):
    """The same passages, judgements and fingerprints; the lines remain known."""
    first = prepare(Beir(path=str(raw)), store)
    lines = (raw / "corpus.jsonl").read_text().splitlines(keepends=True)
    for name, order in (("reversed", range(63, -1, -1)), ("shuffled", np.random.default_rng(0).permutation(64))):
        shutil.copytree(raw, tmp_path / name)
        (tmp_path / name / "corpus.jsonl").write_text("".join(lines[line] for line in order))
        other = prepare(Beir(path=str(tmp_path / name)), store)
        assert other.meta == first.meta
        assert other.passages.pids(range(64)) == first.passages.pids(range(64))
        assert (np.array(order)[other.source_rows()] == first.source_rows()).all()


def test_a_subset_keeps_every_judged_passage_and_fills_up_with_others(raw, store):
    whole = prepare(Beir(path=str(raw)), store)
    subset = prepare(Beir(path=str(raw), max_passages=20), store)
    pids = subset.passages.pids(range(20))
    assert len(subset.passages) == 20
    assert {"p0", "p1", "p8", "p9"} <= set(pids)
    assert pids == sorted(pids, key=whole.passages.pids(range(64)).index)
    assert [f"p{place}" for place in subset.source_rows()] == pids
    for split in ("train", "test"):
        assert subset.queries(split).qids == whole.queries(split).qids
        assert subset.fingerprint(f"queries-{split}") == whole.fingerprint(f"queries-{split}")
        for corpus in (whole, subset):
            judged = corpus.passages.pids(corpus.qrels(split)[1])
            assert judged == {"train": ["p0", "p1", "p9"], "test": ["p8"]}[split]
    assert subset.qrels("train")[2].tolist() == [1, 2, 0]


def test_a_subset_is_the_seeds_whatever_the_order_of_the_lines(raw, store, tmp_path):
    def pids(seed, count=20, where=store, folder=raw):
        corpus = prepare(Beir(path=str(folder), max_passages=count, seed=seed), where)
        return set(corpus.passages.pids(np.arange(len(corpus.passages))))

    turned = tmp_path / "turned"
    shutil.copytree(raw, turned)
    lines = (turned / "corpus.jsonl").read_text().splitlines(keepends=True)
    (turned / "corpus.jsonl").write_text("".join(lines[::-1]))
    assert pids(0) == pids(0, where=Store(tmp_path), folder=turned)
    assert pids(0) != pids(1)
    assert pids(0, 10) < pids(0, 20) < pids(0, 40)


def test_a_subset_as_large_as_the_corpus_is_the_corpus(raw, store):
    whole = prepare(Beir(path=str(raw)), store)
    for count in (64, 1000):
        assert prepare(Beir(path=str(raw), max_passages=count), store).key == whole.key
    assert len(prepare(Beir(path=str(raw), max_passages=4), store).passages) == 4


def test_too_small_a_subset_names_the_smallest(raw, store):
    with pytest.raises(LabradorError, match=r"^data.max_passages=3: .*set data.max_passages=4 or more$"):
        prepare(Beir(path=str(raw), max_passages=3), store)
    assert not list((store.root / "subset").glob(".*.partial"))


def test_a_subset_keeps_the_hard_negatives_it_has_and_the_answers(tmp_path, store):
    folder = write_layout("nq", tmp_path / "raw")
    whole = prepare(Nq(path=str(folder)), store)
    subset = prepare(Nq(path=str(folder), max_passages=50), store)
    pids = set(subset.passages.pids(range(50)))

    def hard(corpus):
        return [corpus.passages.pids(row) for row in corpus.hard_negatives("train")]

    expected = [[pid for pid in row if pid in pids] for row in hard(whole)]
    assert hard(subset) == expected
    assert sum(map(len, expected)) < sum(map(len, hard(whole)))
    assert subset.queries("test").answers == whole.queries("test").answers
    assert subset.scored_by == "answers"
    assert subset.fingerprint("negatives-train") != whole.fingerprint("negatives-train")


def test_a_subset_keeps_the_order_of_the_positives_and_which_is_trained_on(tmp_path, store):
    folder = write_layout("nq", tmp_path / "raw")
    path = folder / "biencoder-nq-train.json"
    questions = json.loads(path.read_text())
    questions[0]["positive_ctxs"] = [{"passage_id": pid} for pid in ("30", "3", "12")]
    path.write_text(json.dumps(questions))
    subset = prepare(Nq(path=str(folder), max_passages=50), store)
    assert subset.passages.pids(subset.positives("train")[0]) == ["30", "3", "12"]
    assert subset.positive == "first"


def test_published_files_are_downloaded_into_the_store(tmp_path, monkeypatch):
    fetched = []

    def fetch_all(downloads, folder):
        fetched.append(([wanted.file_name for wanted in downloads], folder))
        write_layout("nq", folder, packed=True)

    monkeypatch.setattr("labrador.data.prepare.fetch_all", fetch_all)
    corpus = prepare(Nq(), Store(tmp_path))
    prepare(Nq(split="dev"), Store(tmp_path))
    prepare(Nq(), Store(tmp_path), needed=("train",))
    prepare(Nq(max_passages=50), Store(tmp_path))
    names = ["psgs_w100.tsv.gz", "biencoder-nq-train.json.gz", "biencoder-nq-dev.json.gz", "nq-test.qa.csv"]
    assert fetched == [
        (wanted, tmp_path / "raw" / "nq") for wanted in ([names[0], names[3]], [names[0], names[2]], names, names)
    ]
    assert len(corpus.passages) == 64


def test_passages_are_converted_once_whatever_splits_come(tmp_path):
    whole = write_layout("nq", tmp_path / "whole")
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in ("psgs_w100.tsv", "nq-test.qa.csv"):
        (folder / name).write_bytes((whole / name).read_bytes())
    store = Store(tmp_path / "store")
    alone = prepare(Nq(path=str(folder)), store)
    assert alone.splits == ("test",)
    with pytest.raises(
        LabradorError, match=r"expected biencoder-nq-train.json there .* the data has no train split; .*"
    ):
        prepare(Nq(path=str(folder)), store, needed=("train",))
    with pytest.raises(LabradorError, match=r"expected biencoder-nq-dev.json there .* or set data.split=test"):
        prepare(Nq(path=str(folder), split="dev"), store)
    for name in ("biencoder-nq-train.json", "biencoder-nq-dev.json"):
        (folder / name).write_bytes((whole / name).read_bytes())
    both = prepare(Nq(path=str(folder)), store, needed=("train",))
    assert both.splits == ("train", "dev", "test")
    assert len(list((store.root / "passages").glob("[!.]*"))) == 1
    for part in ("passages", "queries-test", "qrels-test"):
        assert both.fingerprint(part) == alone.fingerprint(part)
    assert prepare(Nq(path=str(whole)), Store(tmp_path / "other")).meta == both.meta


def test_a_split_that_is_not_needed_may_be_broken(tmp_path, caplog):
    """But not where it decides what a sample holds."""
    folder = write_layout("beir", tmp_path / "raw")
    (folder / "qrels" / "train.tsv").write_text("q0\tp0\n")
    store = Store(tmp_path / "store")
    corpus = prepare(Beir(path=str(folder)), store)
    assert corpus.splits == ("test",)
    assert "train.tsv:1: 2 columns" in caplog.text
    assert "does not need the train and dev split" in caplog.text
    for source, needed in ((Beir(path=str(folder)), ("train",)), (Beir(path=str(folder), max_passages=40), ())):
        with pytest.raises(LabradorError, match=r"train\.tsv:1: 2 columns"):
            prepare(source, store, needed)


def test_nothing_is_downloaded_where_a_path_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(download.urllib.request, "urlopen", None)
    (tmp_path / "raw").mkdir()
    with pytest.raises(LabradorError, match=r"expected psgs_w100.tsv, .*nq-test.qa.csv there"):
        prepare(Nq(path=str(tmp_path / "raw")), Store(tmp_path / "store"))
