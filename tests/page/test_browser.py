"""The contents of the query browser, worked out by hand for a few queries and read back from its blocks."""

import base64
import gzip
import json
import re

import numpy as np
import pytest
from made_runs import MARKUP, PASSAGES, QUERIES, make_corpus, make_runs

from labrador.page import browser
from labrador.page.blocks import Blocks
from labrador.page.rankings import top
from labrador.page.texts import Passage, Query, open_texts
from labrador.report.groups import groups
from labrador.report.per_query import per_query
from labrador.report.systems import systems
from labrador.results import find


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_corpus(folder / "store")
    (group,) = groups(systems(find([make_runs(folder)])))
    return group, folder / "store"


def read(blocks):
    found = re.findall(r'id="([^"]*)">([^<]*)<', blocks.html())
    return {name: gzip.decompress(base64.b64decode(data)) for name, data in found}


@pytest.fixture(scope="module")
def packed(made):
    group, store = made
    blocks = Blocks()
    known, notes = browser.add(blocks, 0, group, store, browser.BUDGET)
    return known, notes, read(blocks), blocks.size


def test_pools_and_ranks_worked_out_by_hand():
    queries = {"a": Query("first", (), {"z": 1, "n": 0})}
    pools = browser.pool(["a", "b"], [{"a": ["x", "z"], "b": ["x"]}, {"a": ["y"], "b": ["w", "x"]}], queries)
    assert pools.pids == ["z", "x", "y", "w"]  # the relevant one first, found or not
    assert pools.pools == [[0, 1, 2], [1, 3]]
    assert pools.ranks[0, :, :3].tolist() == [[2, 1, 0], [3, 0, 0]]
    assert pools.ranks[1, :, :3].tolist() == [[1, 0, 0], [2, 1, 0]]


def test_what_the_page_knows(made, packed):
    group, _ = made
    known, notes, _, size = packed
    assert notes == []
    assert known["systems"] == list(range(len(group.systems)))
    assert known["seeds"] == [0] * len(group.systems)
    assert (known["queries"], known["k"], known["cut"], known["bytes"]) == (QUERIES, browser.K, 600, size)
    assert known["judged"]
    assert known["texts"]


def decoded(packed):
    """Passages [pid, title, text] and grades of each query, as the page reads them."""
    _, _, blocks, _ = packed
    sizes = np.frombuffer(blocks["g0-sizes"], dtype="<u4")
    back = np.frombuffer(blocks["g0-pools"], dtype="<u4")
    fresh, numbers = 0, []
    for value in back.tolist():
        numbers.append(fresh if value == 0 else fresh - value)
        fresh += value == 0
    texts = json.loads(blocks["g0-texts-0"])
    grades = np.frombuffer(blocks["g0-grades"], dtype=np.uint8).tolist()
    ends = np.cumsum(sizes)
    return [
        [(texts[numbers[i]], grades[i]) for i in range(end - size, end)] for size, end in zip(sizes, ends, strict=True)
    ]


def test_every_systems_first_passages_are_read_back(made, packed):
    group, _ = made
    qids = json.loads(packed[2]["g0-queries"])["qids"]
    ranks = np.frombuffer(packed[2]["g0-ranks"], dtype="<u2").reshape(len(qids), -1, browser.K)
    pools = decoded(packed)
    for s, system in enumerate(group.systems):
        expected = top(system.files[0].with_name("run.trec"), browser.K)
        for q, qid in enumerate(qids):
            assert [pools[q][place - 1][0][0] for place in ranks[q, s] if place] == expected[qid]


def test_texts_judgements_and_queries(packed):
    queries = json.loads(packed[2]["g0-queries"])
    assert queries["texts"][queries["qids"].index("q0")] == MARKUP
    pool = decoded(packed)[queries["qids"].index("q0")]
    assert pool[0] == (["p0", "Title 0", MARKUP], 2)  # grade 1, and 1
    texts = {pid: text for (pid, _, text), _ in (one for pool in decoded(packed) for one in pool)}
    assert texts["p2"].endswith("…")
    assert 580 < len(texts["p2"]) <= 601
    judged = {pid: grade for (pid, *_), grade in decoded(packed)[queries["qids"].index("q1")]}
    assert judged["p1"] == 2
    assert judged.get("p30", 1) == 1  # judged not relevant
    assert {grade for pid, grade in judged.items() if pid not in ("p1", "p30")} == {0}


def test_scores_of_the_shown_run(made, packed):
    group, _ = made
    qids = json.loads(packed[2]["g0-queries"])["qids"]
    scores = np.frombuffer(packed[2]["g0-scores-MRR@10"], dtype="<u2").reshape(-1, len(qids))
    expected = dict(zip(*per_query(group.systems[1].files[0], "MRR@10"), strict=True))
    np.testing.assert_allclose(scores[1] / 65_534, [expected[qid] for qid in qids], atol=1e-5)


def test_without_the_store_there_are_ids_alone(made, tmp_path):
    group, _ = made
    blocks = Blocks()
    known, notes = browser.add(blocks, 0, group, tmp_path, browser.BUDGET)
    assert notes == [f"beir: ids without texts, as the corpus is not in the store {tmp_path} (--store names another)"]
    assert not known["texts"]
    assert all(len(passage) == 1 for passage in json.loads(read(blocks)["g0-texts-0"]))


def test_texts_are_cut_shorter_if_they_would_take_too_much_space(made):
    group, store = made
    blocks = Blocks()
    known, _ = browser.add(blocks, 0, group, store, budget=100)
    assert known["cut"] == browser.CUTS[-1]
    texts = {pid: text for pid, _, text in json.loads(read(blocks)["g0-texts-0"])}
    assert max(map(len, texts.values())) <= browser.CUTS[-1] + 1


def test_runs_without_a_run_file_are_left_out_and_noted(tmp_path):
    folder = make_runs(tmp_path)
    (folder / "1-0" / "run.trec").unlink()
    (group,) = groups(systems(find([folder])))
    known, notes = browser.add(Blocks(), 0, group, tmp_path, browser.BUDGET)
    assert len(known["systems"]) == len(group.systems) - 1
    assert notes[0] == f"beir: no queries for one system, since there is no run.trec next to {folder}/1-0/result.json"
    for file in folder.rglob("run.trec"):
        file.unlink()
    assert browser.add(Blocks(), 0, group, tmp_path, browser.BUDGET)[0] is None


def test_data_scored_by_answers_is_unjudged_and_gives_its_answers(tmp_path):
    make_corpus(tmp_path / "store", scored_by="answers")
    (group,) = groups(systems(find([make_runs(tmp_path)])))
    texts = open_texts(group.systems, tmp_path / "store")
    assert not texts.judged
    query = texts.queries(["q3", "unknown"])
    assert list(query) == ["q3"]
    assert query["q3"].answers == ("garden",)
    assert query["q3"].grades == {}


def test_passages_of_several_corpora_are_found_in_turn(made, tmp_path):
    group, store = made
    texts = open_texts(group.systems, store)
    found = texts.passages([f"p{number}" for number in range(PASSAGES)] + ["none"])
    assert len(found) == PASSAGES
    assert found["p5"].title == "Title 5"


def test_a_passage_is_cut_between_words_whatever_it_contains():
    assert browser._cut("p", Passage("a title", "some words here"), 12) == ["p", "a title", "some words…"]
    assert browser._cut("p", Passage("t" * 20, "x" * 20), 12) == ["p", f"{'t' * 12}…", f"{'x' * 12}…"]
    assert browser._cut("p", Passage("", " " * 20 + "late"), 12) == ["p", "", "…"]
    assert browser._cut("p", None, 12) == ["p"]


def test_relevant_passages_are_counted_beyond_those_shown():
    grades = {f"p{number}": number % 3 for number in range(30)}
    assert browser._relevant(Query("many", (), grades)) == 20
    assert len(browser.pool(["a"], [{"a": ["p0"]}], {"a": Query("many", (), grades)}).pids) == browser.RELEVANT + 1
