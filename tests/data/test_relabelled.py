"""A train split with more questions, or with other labels."""

from itertools import chain

import numpy as np
import pytest

from labrador.arrays.ragged import Ragged
from labrador.data.corpus import Corpus, Handling
from labrador.data.judgements import Judgement
from labrador.data.passage_ids import pid_keys
from labrador.data.relabelled import Labels, Pooled, Relabelled
from labrador.data.writer import Passage, Query, SchemaWriter
from labrador.errors import LabradorError
from labrador.samplers.base import Pool
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random

TEXTS = {"train": ["why", "who", "when"], "test": ["where"]}
JUDGED = {"train": [("t0", 4, 1), ("t0", 2, 2), ("t0", 9, 0), ("t1", 6, 1), ("t2", 5, 1)], "test": [("t0", 3, 1)]}
PARTS = [f"{kind}-{split}" for kind in ("queries", "qrels", "negatives") for split in ("train", "test")]
MORE = ["what for", "who", "whose"]  # the second is a train question
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
    return Pooled(corpus, MORE)


def lists(ragged):
    return [row.tolist() for row in ragged]


def differing(corpus, other):
    return [part for part in ["passages", *PARTS] if corpus.fingerprint(part) != other.fingerprint(part)]


def assert_test_split_is_untouched(corpus, other):
    assert other.queries("test").texts == ["where"]
    assert [column.tolist() for column in other.qrels("test")] == [[0], [3], [1]]
    assert lists(other.positives("test")) == [[3]]
    assert other.hard_negatives("test") is None
    assert not any(part.endswith("test") or part == "passages" for part in differing(corpus, other))


@pytest.mark.parametrize("more", [(), ("who", "why")])
def test_without_more_questions_the_train_split_is_the_corpuss_own(corpus, more):
    pooled = Pooled(corpus, more)
    assert differing(corpus, pooled) == []
    assert pooled.queries("train").texts == ["why", "who", "when"]
    assert pooled.queries("train").qids == ["t0", "t1", "t2"]
    assert lists(pooled.positives("train")) == lists(corpus.positives("train")) == [[4, 2], [6], [5]]
    assert_test_split_is_untouched(corpus, pooled)


def test_more_questions_are_no_questions_of_any_split_whatever_their_case_and_white_space(corpus):
    pooled = Pooled(corpus, ["Where", "  WHO", "what for", "What  for", "where "])
    assert pooled.queries("train").texts == ["why", "who", "when", "what for"]
    assert pooled.left_out == {"held out": 2, "known": 2}


def test_more_questions_are_written_as_the_sources_own(corpus):
    asked = Corpus(corpus.folder, Handling(lambda text: text.removesuffix("?")))
    pooled = Pooled(asked, ["what for?", "where?", "when?", "what for"])
    assert pooled.queries("train").texts == ["why", "who", "when", "what for"]
    assert pooled.left_out == {"held out": 1, "known": 2}


def test_more_questions_come_behind_and_have_no_judgement(corpus, pool):
    assert pool.queries("train").texts == ["why", "who", "when", "what for", "whose"]
    assert pool.queries("train").qids == ["t0", "t1", "t2", "unlabelled-0", "unlabelled-1"]
    assert lists(pool.positives("train")) == [[4, 2], [6], [5], [], []]
    assert differing(corpus, pool) == ["queries-train"]
    assert corpus.queries("train").texts == ["why", "who", "when"]
    assert_test_split_is_untouched(corpus, pool)


def test_the_fingerprint_tells_the_questions_and_their_order(corpus):
    variants = [[], ["ab", "c"], ["c", "ab"], ["a", "bc"], ["ab"], ["ab\nc"], ["ab", "c", "d"]]
    prints = [Pooled(corpus, more).fingerprint("queries-train") for more in variants]
    assert len(set(prints)) == len(variants)
    assert Pooled(corpus, ["ab", "who", "c"]).fingerprint("queries-train") == prints[1]


def test_a_corpus_without_train_questions_has_no_pool(tmp_path):
    with pytest.raises(LabradorError, match="train: this corpus has no such split"):
        Pooled(written(tmp_path, ["test"]), MORE)


def test_labels_stand_beside_the_judgements(corpus, pool):
    """First the judged ones in the source's order, then the labels; no pair comes twice, and the passage judged
    irrelevant is none.
    """
    labelled = Relabelled(pool, LABELS, judged=True)
    assert lists(labelled.positives("train")) == [[4, 2, 7], [6, 8], [5], [6], []]
    assert [column.tolist() for column in labelled.qrels("train")] == [
        [0, 0, 0, 1, 1, 2, 3],
        [4, 2, 7, 6, 8, 5, 6],
        [1, 1, 1, 1, 1, 1, 1],
    ]
    assert lists(pool.positives("train")) == [[4, 2], [6], [5], [], []]
    assert_test_split_is_untouched(corpus, labelled)


def test_labels_stand_alone(corpus, pool):
    labelled = Relabelled(pool, LABELS, judged=False)
    assert lists(labelled.positives("train")) == [[7, 4], [8], [], [6], []]
    assert labelled.positive == "any"
    assert_test_split_is_untouched(corpus, labelled)


@pytest.mark.parametrize("judged", [True, False])
def test_a_judged_positive_is_never_a_negative(corpus, pool, judged):
    labelled = Relabelled(pool, LABELS, judged=judged)
    assert lists(labelled.spared("train")) == [[2, 4, 7], [6, 8], [5], [6], []]
    assert lists(pool.spared("train")) == lists(pool.positives("train").ascending())
    sizes = len(labelled.passages), 3
    drawn = Pool(labelled.positives("train"), None, *sizes, seed=0, relevant=labelled.spared("train"))
    for epoch in range(20):
        for example in (example for batch in Random(negatives=2).batches(drawn, epoch) for example in batch):
            assert not set(example.negatives) & set(labelled.spared("train")[example.query].tolist())


def test_questions_that_were_not_labelled_are_not_learned_from(corpus, pool):
    looked_at = np.array([True, False, True, True, False])
    some = Labels(Ragged.from_lists([[7], [], [], [6], []]), LISTS[1], looked_at, "key")
    labelled = Relabelled(pool, some, judged=True)
    assert lists(labelled.positives("train")) == [[4, 2, 7], [], [5], [6], []]


@pytest.mark.parametrize("judged", [True, False])
def test_hard_negatives_are_the_labels(corpus, pool, judged):
    labelled = Relabelled(pool, LABELS, judged=judged)
    assert lists(labelled.hard_negatives("train")) == [[9, 1], [], [0], [3], [2]]
    assert pool.hard_negatives("train") is None
    assert labelled.queries("train").texts == pool.queries("train").texts
    assert differing(pool, labelled) == ["qrels-train", "negatives-train"]


@pytest.mark.parametrize("part", ["qrels-train", "negatives-train"])
def test_fingerprints_of_labels_tell_what_they_are_from(pool, part):
    other = Labels(*LISTS, LABELS.labelled, "another key")
    variants = [(LABELS, True), (LABELS, False), (other, True), (other, False)]
    assert len({Relabelled(pool, labels, judged=judged).fingerprint(part) for labels, judged in variants}) == 4
    again = Relabelled(pool, LABELS, judged=True)
    assert again.fingerprint(part) == Relabelled(pool, LABELS, judged=True).fingerprint(part)


def test_a_sampler_draws_from_the_labels(pool):
    labelled = Relabelled(pool, LABELS, judged=True)
    drawn = Pool(labelled.positives("train"), labelled.hard_negatives("train"), len(labelled.passages), 3, seed=0)
    seen = {}
    for epoch in range(20):
        batches = list(BM25Hard(negatives=1).batches(drawn, epoch))
        assert [len(batch) for batch in batches] == [3, 1]  # the question without a positive is left out
        for example in chain(*batches):
            seen.setdefault(example.query, set()).add((example.positive, example.negatives[0]))
    assert {positive for positive, _ in seen[0]} == {2, 4, 7}
    assert {negative for _, negative in seen[0]} == {9, 1}
    assert (seen[2], seen[3]) == ({(5, 0)}, {(6, 3)})
