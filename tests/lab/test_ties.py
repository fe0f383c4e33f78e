"""The order of a corpus's lines decides no figure; a run's seed decides where ties begin."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from configured import configured
from layouts import write_layout

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.tiny import Tiny
from labrador.indexes.base import QueryVectors
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.lab import Bench, Lab, Trained
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import Hash
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8
from labrador.store import Store
from labrador.training.settings import TrainSettings

QUANTIZERS = {
    "flat": Flat(),
    "sq8": SQ8(),
    "lsh": LSH(bits=8),
    "pq": PQ(codebooks=2, centroids=4),
    "opq": OPQ(codebooks=2, centroids=4, iterations=2),
    "rabitq": RaBitQ(),
    "hash": configured(Hash, bits=8, steps=2, depth=10),
    "learned_pq": configured(LearnedPQ, codebooks=2, centroids=4, iterations=2, steps=2, depth=10),
}
SEARCHES = {
    "scan": Scan(k=20),
    "codes": TwoStage(k=20, candidates=30, rerank="codes"),
    "dense": TwoStage(k=20, candidates=30, rerank="dense"),
    "lookup": HashLookup(k=20, candidates=30, rerank="codes", tables=2, key_bits=3, flips=1),
}
ORDERS = {"as it is": lambda lines: lines, "reversed": lambda lines: lines[::-1], "shuffled": None}


def shuffled(lines):
    return [lines[place] for place in np.random.default_rng(0).permutation(len(lines))]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """64 passages whose second half repeats the texts of the first."""
    folder = write_layout("beir", tmp_path_factory.mktemp("raw"))
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    duplicates = [{**row, "title": rows[i % 32]["title"], "text": rows[i % 32]["text"]} for i, row in enumerate(rows)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in duplicates))
    return folder


@pytest.fixture(scope="module")
def labs(raw, tmp_path_factory):
    """A lab for each order of the lines, each with its own store."""
    lines = (raw / "corpus.jsonl").read_text().splitlines(keepends=True)
    found = {}
    for name, order in ORDERS.items():
        (raw / "corpus.jsonl").write_text("".join((order or shuffled)(lines)))
        store = Store(tmp_path_factory.mktemp("store"))
        found[name] = Lab(Bench(store, prepare(Beir(path=str(raw)), store), TrainSettings(), 3))
    return found


def figures(lab, quantizer, search):
    """run.trec and the metrics of the encoder as it comes."""
    trained = Trained(search=lab.pretrained(Tiny(precision="float32")))
    ranking = lab.rank(trained, quantizer, search, "test")
    scores = lab.score(ranking, "test", "run", ("MRR@10", "R@5", "nDCG@10"))
    return (scores.folder / "run.trec").read_text(), (scores.folder / "metrics.json").read_text()


@pytest.mark.parametrize(
    ("name", "search"),
    [pair for pair in itertools.product(QUANTIZERS, SEARCHES) if pair[1] != "lookup" or QUANTIZERS[pair[0]].binary],
)
def test_the_order_of_the_lines_decides_no_figure(labs, name, search):
    first, *others = (figures(lab, QUANTIZERS[name], SEARCHES[search]) for lab in labs.values())
    assert all(other == first for other in others)


def test_the_order_of_the_lines_decides_no_figure_of_bm25(labs):
    def ids(lab):
        ranking = lab.rank_bm25(20, "test")
        return lab.bench.corpus.passages.pids(ranking.hits.ids[ranking.hits.ids >= 0])

    first, *others = map(ids, labs.values())
    assert all(other == first for other in others)


def test_passages_of_one_text_score_the_same_and_their_order_is_the_seeds(labs):
    lab = labs["as it is"]
    texts = lab.bench.corpus.passages.read(range(64))
    duplicates = np.array([[row for row, other in enumerate(texts) if other == text] for text in sorted(set(texts))])
    assert duplicates.shape == (32, 2)
    orders = set()
    for seed in range(6):
        other = Lab(replace(lab.bench, seed=seed))
        trained = Trained(search=lab.pretrained(Tiny(precision="float32")))
        hits = other.rank(trained, Flat(), Scan(k=64), "test").hits
        place = np.argsort(hits.ids, axis=1)
        scores = np.take_along_axis(np.asarray(hits.scores), place, axis=1)
        assert (scores[:, duplicates[:, 0]] == scores[:, duplicates[:, 1]]).all()
        orders.add(tuple((place[0, duplicates[:, 0]] < place[0, duplicates[:, 1]]).tolist()))
    assert len(orders) > 1


def test_over_all_starts_of_ties_a_passage_has_every_rank_once():
    """All passages equal: the mean over starts is the expected value of a random order."""
    x = np.ones((50, 8), dtype=np.float32)
    codec = LSH(bits=8).fit(TrainingVectors(x), 0)
    ranks = []
    for start in range(50):
        index = Scan().build(Searchable(codec, codec.encode(x), start))
        ranks.append(int(np.flatnonzero(index.search(QueryVectors(x[:1]), 50).ids[0] == 17)[0]))
    assert sorted(ranks) == list(range(50))
