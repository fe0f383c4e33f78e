"""The golden run: what every step of the lab makes of a small corpus, and the versions that it was made with.

    python tests/golden.py             # reports what differs from tests/golden.json
    python tests/golden.py --write     # records what differs; refuses without a raised version (see lab/artifacts.py)
    python tests/golden.py --write --force    # records that, too: another processor, say, where nothing has changed

Of whole numbers that no rounding can change the digest is a hash. Everything else is summed up in three numbers, which
two processors give alike to within a tolerance: mean, standard deviation, and a projection on a random direction.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from configured import configured
from teachers import write_teacher

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders import tiny
from labrador.indexes.hash_lookup import HashLookup
from labrador.indexes.scan import Scan
from labrador.indexes.two_stage import TwoStage
from labrador.lab import BaseRetriever, Bench, Lab, artifacts
from labrador.labels.teacher import Teacher
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import Hash
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.lsh import LSH
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ
from labrador.quantizers.rabitq import RaBitQ
from labrador.quantizers.scalar import SQ8
from labrador.retrievers.bidr import BiDR
from labrador.retrievers.bm25 import BM25
from labrador.retrievers.bpr import BPR
from labrador.retrievers.dpr import DPR
from labrador.retrievers.pair import PAIR
from labrador.retrievers.pretrained import Pretrained
from labrador.samplers.ann import ANNHard
from labrador.samplers.bm25 import BM25Hard
from labrador.samplers.random import Random
from labrador.samplers.random_walk import RandomWalk
from labrador.samplers.snowball import Snowball
from labrador.store import Store
from labrador.training.settings import TrainSettings

FILE = Path(__file__).with_suffix(".json")
PASSAGES = 96
LETTERS = "bcdfghklmnprstvz"
ENCODER = tiny.Tiny(shared=True, pooling="mean", max_passage_length=48, precision="float32")
TRAIN = TrainSettings(max_steps=3, batch_size=4, learning_rate=5e-4, log_steps=1, dropout=0.0, precision="float32")
SCAN = Scan(k=20)
PRETRAINED = Pretrained(encoder=ENCODER, sampler=Random())
BIDR = {"encoder": ENCODER, "codebooks": 4, "centroids": 16, "init": "random"}  # k-means would magnify rounding
EXACT = {step.name for step in (artifacts.TOKENS, artifacts.BM25, artifacts.NEGATIVES)}  # no rounding can change these
LEFT_OUT = {"data", artifacts.MEASUREMENT.name}  # the steps that read it show it; what a machine does is no result
OF_BYTES = {"rabitq codes"}  # floats as bytes, which no tolerance fits; the ranking says what they are
OF_RANKS = {artifacts.SCORED.name, artifacts.LABELS.name}  # in the order of a ranking, where two may change places
FLOATS, WHOLE = 1e-2, 0.2  # tolerances, in standard deviations: of floats, and of whole numbers made from floats
FIGURES = 0.03  # tolerance of a metric, and of a count as a share

CELLS = {  # retriever, quantizer, search; what two of them share is of the first
    "bm25": (BM25(), Flat(), SCAN),
    "pretrained": (PRETRAINED, Flat(), SCAN),
    "sq8": (PRETRAINED, SQ8(), SCAN),
    "lsh": (PRETRAINED, LSH(), SCAN),
    "pq": (PRETRAINED, PQ(codebooks=4, centroids=16), SCAN),
    "opq": (PRETRAINED, OPQ(codebooks=4, centroids=16), TwoStage(k=20, rerank="dense")),
    "rabitq": (PRETRAINED, RaBitQ(), SCAN),
    "hash": (PRETRAINED, Hash(steps=3, batch_size=4), TwoStage(k=20)),
    "learned_pq": (PRETRAINED, configured(LearnedPQ, codebooks=4, centroids=16, steps=3, batch_size=4), TwoStage(k=20)),
    "dpr": (DPR(encoder=replace(ENCODER, shared=False), sampler=BM25Hard()), Flat(), SCAN),
    "ann": (DPR(encoder=ENCODER, sampler=ANNHard(depth=10)), Flat(), SCAN),
    "bpr": (BPR(encoder=ENCODER, sampler=BM25Hard()), Hash(), TwoStage(k=20)),
    "lookup": (BPR(encoder=ENCODER, sampler=BM25Hard()), Hash(), HashLookup(k=20, tables=2)),
    "bidr": (
        configured(BiDR, **BIDR, sampler=Snowball(depth=10), unified_query=True),
        LearnedPQ(),
        TwoStage(k=20, candidates=30),
    ),
    "random_walk": (configured(BiDR, **BIDR, sampler=RandomWalk(depth=10)), LearnedPQ(), TwoStage(k=20, candidates=30)),
    "pair": (configured(PAIR, encoder=ENCODER, sampler=BM25Hard(), label_depth=10, label_questions=24), Flat(), SCAN),
}
TEACHER = "teacher"  # one that is trained; PAIR's is ready, since it must be surer than three steps make it
RECIPES = (*CELLS, TEACHER)


def write_corpus(folder):
    """A folder in BEIR's layout: passages of very different words and lengths, some questions with two positives."""
    drawn = random.Random(0)
    words = ["".join(drawn.choice(LETTERS) + drawn.choice("aeiou") for _ in range(1 + n % 5)) for n in range(300)]
    texts = [[words[int(300 * drawn.random() ** 2)] for _ in range(4 + 37 * n % 40)] for n in range(PASSAGES)]
    passages = [{"_id": f"p{n}", "title": text[0].title(), "text": " ".join(text)} for n, text in enumerate(texts)]
    questions = [{"_id": f"q{n}", "text": " ".join(sorted(text)[: 2 + n % 5])} for n, text in enumerate(texts)]
    (folder / "qrels").mkdir(parents=True)
    for file, lines in (("corpus", passages), ("queries", questions)):
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for split, kept in (("train", range(4)), ("dev", range(4, 6)), ("test", range(6, 8))):
        judged = [(n, n) for n in range(PASSAGES) if n % 8 in kept]
        judged += [(n, n + 1) for n in range(0, PASSAGES, 8) if 0 in kept]
        lines = "".join(f"q{question}\tp{passage}\t1\n" for question, passage in judged)
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    return folder


def run(folder, recipes=RECIPES):
    """What each step of the recipes made: {"dpr fit": {"versions": {...}, "digest": {...}}}; works in `folder`."""
    store = Store(folder / "store")
    corpus = prepare(Beir(path=str(write_corpus(folder / "raw"))), store)
    made, seen = {}, set()
    for recipe in recipes:
        lab = Lab(Bench(store, corpus, TRAIN, seed=0))
        _follow(recipe, lab, folder / "teacher")
        for _, artifact in lab.bench.ledger.used.values():
            if artifact.key in seen or artifact.step in LEFT_OUT:
                continue
            seen.add(artifact.key)
            count = sum(name.startswith(f"{recipe} {artifact.step}") for name in made)
            found = digest(artifact)
            name = f"{recipe} {artifact.step}" + (f" {count + 1}" if count else "")
            if found and name not in OF_BYTES:
                made[name] = {"versions": versions(store, artifact, corpus), "digest": found}
    return made


def _follow(recipe, lab, folder):
    if recipe == TEACHER:
        lab.fit_teacher(Teacher(encoder=ENCODER), BaseRetriever(lab.pretrained(ENCODER), 10), TRAIN)
        return
    retriever, quantizer, search = CELLS[recipe]
    if isinstance(retriever, PAIR):
        texts = [f"{title} [SEP] {text}" for title, text in lab.bench.corpus.passages.read(np.arange(20))]
        ready = write_teacher(folder, lab.bench.corpus.queries("train").texts[:20], texts)
        retriever = replace(retriever, labelling=replace(retriever.labelling, teacher=str(ready)))
    ranking = retriever.rank(lab, quantizer, search, "test")
    lab.score(ranking, "test", recipe, ("MRR@10", "R@5", "R@20"))


def versions(store, artifact, corpus):
    """The versions of an artifact's step and components, of all that it was made from, and of the corpus."""
    known = {"pretrained": artifacts.PRETRAINED.version, "tiny": tiny.VERSION}
    frontier, seen = [artifact, store.by_key(corpus.key)], set()
    while frontier:
        one = frontier.pop()
        seen.add(one.key)
        known[one.step] = one.manifest["version"]
        known |= _components(one.manifest["config"])
        frontier += [
            found for key in one.manifest["inputs"].values() if key not in seen and (found := store.by_key(key))
        ]
    return dict(sorted(known.items()))


def _components(config, name=""):
    """The versions of the components in a manifest's config, by class; 1 where a class says none."""
    known = {"schema": config["schema"]} if "schema" in config else {}
    if "class" in config or "version" in config:
        known[config.get("class") or config.get("learned") or name] = config.get("version", 1)
    for key, value in config.items():
        if isinstance(value, dict):
            known |= _components(value, key)
    return known


def digest(artifact):
    """What an artifact's files hold, each array in short; nothing of files that only faiss or a model reads."""
    exact = artifact.step in EXACT
    short = {}
    for path in sorted(artifact.folder.rglob("*")):
        name = path.relative_to(artifact.folder).as_posix()
        if path.suffix == ".npy" and not (artifact.step == artifacts.LABELS.name and path.name == "values.npy"):
            array = np.load(path)
            short[name] = _in_short(array, exact, "r" if artifact.step in OF_RANKS else array.dtype.kind)
        elif path.name in ("metrics.json", "labels.json"):
            short |= _figures(name, json.loads(path.read_text()))
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            heads = sorted({head for line in lines for head in line} - {"grad_norm", "epoch"})
            short |= {
                f"{name} {head}": _in_short(np.array([line[head] for line in lines], float), exact) for head in heads
            }
    return short


def _figures(name, figures):
    """The numbers in a JSON object, each by itself."""
    short = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            short |= _figures(f"{name} {key}", value)
        elif isinstance(value, (int, float)):
            short[f"{name} {key}"] = [round(float(value), 6)]
    return short


def _in_short(array, exact, kind="f"):
    if exact and array.dtype.kind in "iub":
        return [list(array.shape), hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]]
    values = np.nan_to_num(array.astype(np.float64).ravel(), posinf=0, neginf=0)
    along = np.random.default_rng(0).standard_normal(len(values))
    short = [values.mean(), values.std(), (values * along).sum() / len(values) ** 0.5] if len(values) else [0.0] * 3
    return [list(array.shape), kind, *(float(f"{value:.6g}") for value in short)]


def same(one, other):
    """Whether two digests of an array, or of a figure, are the same, up to the tolerance."""
    if len(one) == len(other) == 1:
        return abs(one[0] - other[0]) <= FIGURES * max(1.0, abs(one[0]))
    if len(one) != 5 or len(other) != 5 or one[:2] != other[:2]:
        return one == other
    tolerance = FLOATS if one[1] == "f" else WHOLE
    return np.allclose(one[2:], other[2:], rtol=0, atol=tolerance * max(one[3], 1e-6))


def faults(recorded, made):
    """What differs, by name, and what to do about it."""
    wrong = {}
    for name in sorted(recorded.keys() | made.keys()):
        if name not in made or name not in recorded:
            wrong[name] = "is not recorded" if name in made else "is recorded and was not made"
            continue
        old, new = recorded[name], made[name]
        files = old["digest"].keys() | new["digest"].keys()
        other = [file for file in sorted(files) if not same(old["digest"].get(file, []), new["digest"].get(file, []))]
        if other and old["versions"] == new["versions"]:
            wrong[name] = (
                f"gives another {', '.join(other)} and no version was raised: raise one (see lab/artifacts.py)"
            )
        elif other or old["versions"] != new["versions"]:
            wrong[name] = "has another version: record what it gives"
    return wrong


def unexplained(found):
    """Those of `faults` that no version explains."""
    return {name: what for name, what in found.items() if "no version was raised" in what}


def main():
    """Report what differs or, with --write, record it. Returns the exit code."""
    parser = argparse.ArgumentParser(description="The golden run: what every step makes of a small corpus.")
    parser.add_argument("--write", action="store_true", help=f"record what differs in {FILE.name}")
    parser.add_argument("--force", action="store_true", help="also record what differs although no version was raised")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = run(Path(folder))
    found = faults(json.loads(FILE.read_text()) if FILE.exists() else {}, made)
    for name, what in found.items():
        print(f"{name} {what}")
    if not options.write:
        return 1 if found else 0
    if unexplained(found) and not options.force:
        print("nothing is recorded: raise the versions, or use --force if only rounding differs")
        return 1
    lines = (f"{json.dumps(name)}: {json.dumps(made[name], sort_keys=True)}" for name in sorted(made))
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(made)} digests are in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
