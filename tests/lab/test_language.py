"""The language of passages: detected, part of the BM25 index's key, and a warning when terms find nothing."""

import json
import logging

import pytest

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.errors import LabradorError
from labrador.lab import Bench, Lab, lexical
from labrador.store import Store
from labrador.training.settings import TrainSettings

CHINESE = [
    "苹果公司在秋天发布了新的手机。",
    "长江是亚洲最长的河流。",
    "熊猫主要吃竹子，住在四川的山里。",
    "北京的冬天很冷，常常下雪。",
]
QUESTIONS = {"熊猫吃什么": 2, "亚洲最长的河流是哪条": 1}
GERMAN = [
    "Der Reiher steht im Wasser.",
    "Die Häuser stehen am Fluss.",
    "Ein Elefant trinkt am Abend.",
    "Im Winter ruht er.",
]


@pytest.fixture
def new_lab(tmp_path):
    def make(passages, questions, **settings):
        folder = tmp_path / "raw"
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        corpus = [json.dumps({"_id": f"p{i}", "text": text}) for i, text in enumerate(passages)]
        queries = [json.dumps({"_id": f"q{i}", "text": text}) for i, text in enumerate(questions)]
        judged = [f"q{i}\tp{row}\t1" for i, row in enumerate(questions.values())]
        (folder / "corpus.jsonl").write_text("\n".join(corpus))
        (folder / "queries.jsonl").write_text("\n".join(queries))
        for split in ("train", "test"):
            (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged]))
        store = Store(tmp_path / "store")
        return Lab(Bench(store, prepare(Beir(path=str(folder), **settings), store), TrainSettings(max_steps=1), 0))

    return make


def mined(lab):
    return lexical.negatives(lab.bench, lab.train_set(), 2)


def best(lab):
    ids = lab.rank_bm25(4, "test").hits.ids[:, 0]
    return lab.bench.corpus.passages.pids(ids[ids >= 0])


def test_chinese_is_found_and_mined(new_lab, caplog):
    with caplog.at_level(logging.INFO):
        lab = new_lab(CHINESE, QUESTIONS)
        assert best(lab) == ["p2", "p1"]
        found = mined(lab).lists
        mined(lab)
    assert found.lengths.sum() > 0
    lines = [record.message for record in caplog.records if record.message.startswith("BM25")]
    assert lines == ["BM25: language zh (zh 100 %): no stemmer, no stop words"]


def test_auto_and_the_named_language_make_the_same_index(new_lab):
    questions = {"Wo ist das Haus?": 1}
    auto = new_lab(GERMAN, questions)
    assert best(auto) == ["p1"]
    assert lexical.index(auto.bench).key == lexical.index(new_lab(GERMAN, questions, language="de").bench).key
    assert lexical.index(auto.bench).key != lexical.index(new_lab(GERMAN, questions, language="none").bench).key
    assert lexical.index(auto.bench).key != lexical.index(new_lab(GERMAN, questions, tokenizer="whitespace").bench).key


def test_a_warning_when_most_queries_find_nothing(new_lab, caplog):
    lab = new_lab(GERMAN, {"熊猫吃什么": 1, "长江": 2, "Reiher": 0})
    assert best(lab) == ["p0"]
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(":")[0] for line in warned] == ["BM25 finds nothing for 2 of 3 test queries"]


def test_a_query_that_shares_terms_only_with_its_positive_has_no_negatives(new_lab, caplog):
    assert not mined(new_lab(GERMAN, {"Reiher": 0, "Fluss": 1})).lists.lengths.any()
    assert "BM25 finds no negatives for 2 of 2 train queries: no passage but their positives shares" in caplog.text


def test_terms_that_are_not_cut_find_no_chinese(new_lab, caplog):
    assert best(new_lab(CHINESE, QUESTIONS, tokenizer="words")) == []
    assert "BM25 finds nothing for 2 of 2 test queries" in caplog.text


def test_an_unknown_language_is_refused():
    with pytest.raises(LabradorError, match=r"language=chinese: expected auto, none .*zh"):
        Beir(path=".", language="chinese")
