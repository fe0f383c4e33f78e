"""What is never found or drawn: a query's own passage, and texts equal to its positive's."""

import json

import numpy as np
import pytest
from configured import configured

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.lab import Bench, Lab, Trained, compress, encode, lexical, mine
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import Hash
from labrador.quantizers.supervised import batches, tensors
from labrador.samplers.batch import distinct_passages
from labrador.store import Store
from labrador.training.settings import TrainSettings

ENCODER = Tiny(shared=True, pooling="mean", max_passage_length=64)
THINGS = ("heron", "lantern", "bicycle", "granite", "violin", "compass")


def write(folder, passages, questions, judged):
    """Files in BEIR's layout: {pid: text}, {qid: text}, {qid: pid}; the same judgements train and test."""
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", passages), ("queries", questions)):
        lines = [json.dumps({"_id": found, "text": text}) for found, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    for split in ("train", "test"):
        lines = [f"{qid}\t{pid}\t1" for qid, pid in judged.items()]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """As in ArguAna: the query a0 is the passage a0, and c0 is its positive."""
    motions = {f"a{i}": f"the {thing} helps" for i, thing in enumerate(THINGS)}
    answers = {f"c{i}": f"the {thing} harms us" for i, thing in enumerate(THINGS)}
    return write(tmp_path_factory.mktemp("self"), motions | answers, motions, {f"a{i}": f"c{i}" for i in range(6)})


@pytest.fixture(scope="module")
def duplicates(tmp_path_factory):
    """Every passage stands there twice, once judged."""
    texts = {f"p{i}": f"the {thing} is kept dry in winter" for i, thing in enumerate(THINGS)}
    again = {f"t{i}": f"The  {texts[f'p{i}'][4:]}\n".replace("The", "the") for i in range(6)}
    questions = {f"q{i}": f"when is the {thing} kept dry" for i, thing in enumerate(THINGS)}
    return write(tmp_path_factory.mktemp("duplicates"), texts | again, questions, {f"q{i}": f"p{i}" for i in range(6)})


@pytest.fixture
def new_lab(tmp_path):
    def make(folder, choice="auto"):
        store = Store(tmp_path / "store")
        corpus = prepare(Beir(path=str(folder), exclude_self=choice), store)
        return Lab(Bench(store, corpus, TrainSettings(max_steps=1, batch_size=4), 0))

    return make


def pids(lab, lists):
    return [lab.bench.corpus.passages.pids([row for row in rows if row >= 0]) for rows in lists]


@pytest.mark.parametrize(("choice", "mrr"), [("auto", 1.0), (True, 1.0), (False, 0.5)])
def test_bm25_ranks_the_other_passages(new_lab, arguments, choice, mrr):
    lab = new_lab(arguments, choice)
    ranking = lab.rank_bm25(10, "test")
    scores = lab.score(ranking, "test", "tag", ("MRR@10",))
    assert json.loads((scores.folder / "metrics.json").read_text())["metrics"]["MRR@10"] == mrr
    mined = pids(lab, lexical.negatives(lab.bench, lab.train_set(), 1).lists)
    assert all((own == [f"a{i}"]) == (choice is False) for i, own in enumerate(mined))


def test_exclude_self_is_logged_once(new_lab, arguments, duplicates, caplog):
    with caplog.at_level("INFO"):
        new_lab(arguments)
        new_lab(duplicates)
    said = [record.message for record in caplog.records if "exclude_self" in record.message]
    assert said == [
        "12 of 12 queries are passages themselves, which are left out of their rankings and negatives "
        "(data.exclude_self=auto)"
    ]


@pytest.mark.parametrize("search", [Scan(k=11), TwoStage(k=11, candidates=11)], ids=str)
def test_vectors_rank_the_other_passages(new_lab, arguments, search):
    lab = new_lab(arguments)
    checkpoint = lab.pretrained(ENCODER)
    found = pids(lab, lab.rank(Trained(search=checkpoint), Flat(), search, "test").hits.ids)
    assert [set(row) for row in found] == [
        {*(f"a{j}" for j in range(6) if j != i), *(f"c{j}" for j in range(6))} for i in range(6)
    ]


def test_candidates_and_a_teachers_passages_leave_it_out(new_lab, arguments):
    lab = new_lab(arguments)
    checkpoint = lab.pretrained(ENCODER)
    near = mine.nearest(lab.bench, checkpoint, lab.bench.queries("train"), np.arange(6), 4)
    assert all(len(row) == 4 and f"a{i}" not in row for i, row in enumerate(pids(lab, near.array)))
    mined = pids(lab, lab.search(checkpoint, lab.train_set(), 11).lists)
    assert all(len(row) == 10 and not {f"a{i}", f"c{i}"} & set(row) for i, row in enumerate(mined))


def test_both_choices_have_artifacts_of_their_own(new_lab, arguments):
    left_out, kept = (new_lab(arguments, choice).rank_bm25(5, "test").key for choice in ("auto", False))
    assert left_out != kept
    assert new_lab(arguments, True).rank_bm25(5, "test").key == left_out


def test_duplicates_are_no_negatives(new_lab, duplicates):
    lab = new_lab(duplicates)
    checkpoint = lab.pretrained(ENCODER)
    for lists in (
        lexical.negatives(lab.bench, lab.train_set(), 1).lists,
        lab.search(checkpoint, lab.train_set(), 12).lists,
    ):
        found = pids(lab, lists)
        assert all(row and not {f"p{i}", f"t{i}"} & set(row) for i, row in enumerate(found))


def test_a_learned_quantizer_masks_duplicates(new_lab, duplicates):
    lab = new_lab(duplicates)
    settings = configured(Hash, bits=8, negatives=2, depth=5)
    pairs, _ = compress.judged_queries(lab.bench, settings, lab.pretrained(ENCODER))
    vectors = TrainingVectors(encode.passages(lab.bench, lab.pretrained(ENCODER)).array, pairs)
    examples = next(batches(vectors, settings, 0))
    names = lab.bench.corpus.passages.pids(distinct_passages(examples)[0])
    duplicates_of = [f"t{lab.bench.corpus.passages.pids([example.positive])[0][1:]}" for example in examples]
    expected = [[name == duplicate for name in names] for duplicate in duplicates_of]
    assert np.any(expected)
    assert tensors(examples, vectors, (1.0, 1.0), 0).masked.tolist() == expected
