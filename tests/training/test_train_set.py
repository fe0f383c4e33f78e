"""What trains: the data's own train split, one with more queries, one with other labels."""

from itertools import chain

import numpy as np
import pytest

from labrador.arrays.ragged import Ragged
from labrador.data.corpus import Corpus, Handling
from labrador.data.judgements import Judgement
from labrador.data.passage_ids import pid_keys
from labrador.data.writer import Passage, Query, SchemaWriter
from labrador.errors import LabradorError
from labrador.samplers.base import Pool
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random
from labrador.training.train_set import Labels, QuerySet, TrainSet

TEXTS = {"train": ["why", "who", "when"], "test": ["where"]}
JUDGED = {"train": [("t0", 4, 1), ("t0", 2, 2), ("t0", 9, 0), ("t1", 6, 1), ("t2", 5, 1)], "test": [("t0", 3, 1)]}
MORE = ["what for", "who", "whose"]  # the second is a train query
LISTS = Ragged.from_lists([[7, 4], [8], [], [6], []]), Ragged.from_lists([[9, 1], [], [0], [3], [2]])
PIDS = sorted((f"p{i}" for i in range(10)), key=lambda pid: int(pid_keys([pid], 0)[0]))  # of each row
LABELS = Labels(*LISTS, np.ones(5, dtype=bool), "key")


def written(folder, splits):
    out = SchemaWriter(folder, "qrels")
    out.passages(folder, (Passage(i, pid, "", f"text {i}") for i, pid in enumerate(PIDS)))
    for split in splits:
        judged = (Judgement(i, qid, PIDS[row], grade) for i, (qid, row, grade) in enumerate(JUDGED[split]))
        queries = [Query(i, f"t{i}", text) for i, text in enumerate(TEXTS[split])]
        out.split(split, folder, queries, out.judgements(folder, judged))
    out.finish()
    return Corpus(folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return written(tmp_path_factory.mktemp("corpus"), ["train", "test"])


@pytest.fixture
def pool(corpus):
    return pooled(corpus, MORE)[0]


def pooled(corpus, more):
    """The train set with more queries, and how many of these are left out."""
    own = TrainSet.of(corpus)
    queries, left_out = own.queries.and_unlabelled(corpus, more)
    return own.pooled(queries), left_out


def lists(ragged):
    return [row.tolist() for row in ragged]


def test_the_datas_own_train_set(corpus):
    own = TrainSet.of(corpus)
    assert own.queries.texts == ["why", "who", "when"]
    assert lists(own.positives) == [[4, 2], [6], [5]]
    assert lists(own.spared) == [[2, 4], [6], [5]]
    assert own.negatives is None
    assert own.queries.own is None
    held_out = TrainSet.of(corpus, "test")
    assert lists(held_out.positives) == [[3]]
    assert held_out.key != own.key


@pytest.mark.parametrize("more", [(), ("who", "why")])
def test_without_more_queries_it_is_the_corpuss_own(corpus, more):
    own, (pool, _) = TrainSet.of(corpus), pooled(corpus, more)
    assert pool.queries == own.queries
    assert lists(pool.positives) == lists(own.positives)
    assert pool.key == own.key


def test_more_queries_are_of_no_split_whatever_their_case_and_white_space(corpus):
    pool, left_out = pooled(corpus, ["Where", "  WHO", "what for", "What  for", "where "])
    assert pool.queries.texts == ["why", "who", "when", "what for"]
    assert left_out == {"held out": 2, "known": 2}


def test_more_queries_are_written_as_the_sources_own(corpus):
    asked = Corpus(corpus.folder, Handling(lambda text: text.removesuffix("?")))
    pool, left_out = pooled(asked, ["what for?", "where?", "when?", "what for"])
    assert pool.queries.texts == ["why", "who", "when", "what for"]
    assert left_out == {"held out": 1, "known": 2}


def test_more_queries_come_last_and_have_no_judgement(pool):
    assert pool.queries.texts == ["why", "who", "when", "what for", "whose"]
    assert lists(pool.positives) == [[4, 2], [6], [5], [], []]
    assert lists(pool.spared) == [[2, 4], [6], [5], [], []]


def test_more_queries_are_no_passages(corpus):
    own = QuerySet("train", ["why"], "key", np.array([3]))
    queries, _ = own.and_unlabelled(corpus, MORE)
    assert queries.own.tolist() == [3, -1, -1, -1]


def test_the_key_tells_the_queries_and_their_order(corpus):
    variants = [[], ["ab", "c"], ["c", "ab"], ["a", "bc"], ["ab"], ["ab\nc"], ["ab", "c", "d"]]
    keys = [pooled(corpus, more)[0].queries.key for more in variants]
    assert len(set(keys)) == len(variants)
    assert pooled(corpus, ["ab", "who", "c"])[0].queries.key == keys[1]


def test_a_corpus_without_train_queries_has_no_train_set(tmp_path):
    with pytest.raises(LabradorError, match="split train: expected one"):
        TrainSet.of(written(tmp_path, ["test"]))


def test_labels_follow_the_judgements(corpus, pool):
    """First the judged ones in the source's order, then the labels; no pair comes twice, and the passage judged
    irrelevant is none.
    """
    labelled = pool.labelled(LABELS, corpus, judged=True)
    assert lists(labelled.positives) == [[4, 2, 7], [6, 8], [5], [6], []]
    assert lists(pool.positives) == [[4, 2], [6], [5], [], []]


def test_labels_stand_alone(corpus, pool):
    labelled = pool.labelled(LABELS, corpus, judged=False)
    assert lists(labelled.positives) == [[7, 4], [8], [], [6], []]
    assert labelled.positive == "any"


@pytest.mark.parametrize("judged", [True, False])
def test_a_judged_positive_is_never_a_negative(corpus, pool, judged):
    labelled = pool.labelled(LABELS, corpus, judged=judged)
    assert lists(labelled.spared) == [[2, 4, 7], [6, 8], [5], [6], []]
    drawn = Pool(labelled.positives, None, len(corpus.passages), 3, seed=0, relevant=labelled.spared)
    for epoch in range(20):
        for example in (example for batch in Random(negatives=2).batches(drawn, epoch) for example in batch):
            assert not set(example.negatives) & set(labelled.spared[example.query].tolist())


def test_queries_that_were_not_labelled_are_not_learned_from(corpus, pool):
    looked_at = np.array([True, False, True, True, False])
    some = Labels(Ragged.from_lists([[7], [], [], [6], []]), LISTS[1], looked_at, "key")
    assert lists(pool.labelled(some, corpus, judged=True).positives) == [[4, 2, 7], [], [5], [6], []]


@pytest.mark.parametrize("judged", [True, False])
def test_hard_negatives_are_the_labels(corpus, pool, judged):
    labelled = pool.labelled(LABELS, corpus, judged=judged)
    assert lists(labelled.negatives.lists) == [[9, 1], [], [0], [3], [2]]
    assert pool.negatives is None
    assert labelled.queries == pool.queries


def test_keys_of_labels_tell_what_they_are_from(corpus, pool):
    other = Labels(*LISTS, LABELS.labelled, "another key")
    variants = [(LABELS, True), (LABELS, False), (other, True), (other, False)]
    made = [pool.labelled(labels, corpus, judged=judged) for labels, judged in variants]
    assert len({labelled.key for labelled in made}) == 4
    assert len({labelled.negatives.key for labelled in made}) == 2  # negatives are the labels' alone
    assert pool.labelled(LABELS, corpus, judged=True).key == made[0].key


def test_a_sampler_draws_from_the_labels(corpus, pool):
    labelled = pool.labelled(LABELS, corpus, judged=True)
    drawn = Pool(labelled.positives, labelled.negatives.lists, len(corpus.passages), 3, seed=0)
    seen = {}
    for epoch in range(20):
        batches = list(BM25Hard(negatives=1).batches(drawn, epoch))
        assert [len(batch) for batch in batches] == [3, 1]  # the query without a positive is left out
        for example in chain(*batches):
            seen.setdefault(example.query, set()).add((example.positive, example.negatives[0]))
    assert {positive for positive, _ in seen[0]} == {2, 4, 7}
    assert {negative for _, negative in seen[0]} == {9, 1}
    assert (seen[2], seen[3]) == ({(5, 0)}, {(6, 3)})
