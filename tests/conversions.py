"""Sources converted for tests, and what a converted corpus holds by the lines of its files."""

import gzip
import json
from pathlib import Path

import numpy as np
from layouts import write_text

from labrador.data.beir import Beir
from labrador.data.msmarco import MsMarco
from labrador.data.msmarco_doc import MsMarcoDoc
from labrador.data.nq import Nq
from labrador.data.prepare import prepare
from labrador.data.trivia import Trivia
from labrador.store import Store

SOURCES = {"beir": Beir, "msmarco": MsMarco, "msmarco_doc": MsMarcoDoc, "nq": Nq, "trivia": Trivia}
PID = {"beir": "p{}", "msmarco": "{}", "msmarco_doc": "D{}", "nq": "{}", "trivia": "{}"}


def convert(name, folder, tmp_path, **settings):
    """The corpus of a run that needs every split that is there."""
    source = SOURCES[name](path=str(folder), **settings)
    return prepare(source, Store(tmp_path / "store"), source.there(Path(folder)))


def lines_of(corpus, rows):
    """Which passage of its file each row is, from 0."""
    return corpus.source_rows()[np.asarray(rows, dtype=np.int64)].tolist()


def texts_in_order(corpus):
    """Titles and texts as the file has them."""
    return corpus.passages.read(np.argsort(corpus.source_rows()))


def texts_of(name, folder, tmp_path, text):
    """Titles and texts, with a setting `text` of the source."""
    corpus = convert(name, folder, tmp_path, text=text)
    return set(corpus.passages.read(range(len(corpus.passages))))


def written(corpus, split="test"):
    """All that a split and the passages hold, by the ids of the source."""
    rows, passages, grades = corpus.qrels(split)
    queries = corpus.queries(split)
    pids = corpus.passages.pids(np.arange(len(corpus.passages)))
    texts = dict(zip(pids, corpus.passages.read(np.arange(len(pids))), strict=True))
    judged = [(queries.qids[row], pids[at], grade) for row, at, grade in zip(rows, passages, grades, strict=True)]
    return dict(zip(queries.qids, queries.texts, strict=True)), sorted(judged), texts


def write_packed(path):
    """Replace a file by its .gz; returns that."""
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def small_beir(folder, passages=(), queries=(), **qrels):
    """A folder of the given JSON lines and, by split, the given text of judgements."""
    write_text(folder / "corpus.jsonl", "".join(json.dumps(row) + "\n" for row in passages))
    write_text(folder / "queries.jsonl", "".join(json.dumps(row) + "\n" for row in queries))
    for split, text in qrels.items():
        write_text(folder / "qrels" / f"{split}.tsv", text)
    return folder


TWO = [{"_id": "p0", "title": "Heron", "text": "It fishes."}, {"_id": "p1", "title": "Fox", "text": "It hunts."}]
ASKED = [{"_id": "q0", "text": "what fishes", "metadata": {"url": "x"}}, {"_id": "q1", "text": "what hunts"}]
