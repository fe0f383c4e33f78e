"""Finished runs made up for the tests of a report: result rows, figures of each query, run files, a corpus.

Nothing is trained or searched: a ranking is the query's relevant passage at a drawn rank among other passages.
"""

from typing import Any

import numpy as np

from labrador.data.judgements import Judgement
from labrador.data.writer import Passage, Query, SchemaWriter
from labrador.metrics.run_files import write_per_query, write_trec
from labrador.results import ResultRow

CORPUS = "c0ffee"
PASSAGES, QUERIES, DEPTH = 60, 24, 20
MARKUP = (
    "</script><script>document.title='run'</script> <img src=x onerror=\"document.title='run'\"> <!-- 'q' \"q\" & &lt;"
)
WORDS = ["river", "stone", "window", "garden", "letter", "bridge", "winter", "market", "signal", "forest", "engine"]
CELLS = [  # retriever, quantizer, search, seeds, how good (0 to 1), bytes, ms
    ("bm25", None, None, (0,), 0.30, 512.3, 1.23),
    ("dpr", "flat", "scan", (0, 1), 0.90, 1536.0, 2.0),
    ("dpr", "hash", "two_stage", (0, 1), 0.65, 48.0, 0.7),
    ("dpr", "pq", "scan", (0, 1), 0.45, 48.0, 1.1),
    ("pretrained", "flat", "scan", (0,), 0.55, 1536.0, 2.1),
    ("pretrained", "pq", "scan", (0,), 0.25, 16.0, 0.5),
]


def make_row(**changes: Any) -> ResultRow:
    """A row of dpr flat on pydocs; keywords replace its fields."""
    fields: dict[str, Any] = {
        "retriever": "dpr",
        "quantizer": "flat",
        "sampler": "bm25",
        "search": "scan",
        "data": "pydocs",
        "encoder": "minilm",
        "seed": 0,
        "metrics": {"MRR@10": 0.6, "R@20": 0.8, "nDCG@10": None},
        "queries": 1210,
        "passages": 12034,
        "bytes_per_passage": 1536.0,
        "index_bytes": 18_484_224,
        "disk_bytes": 0,
        "latency_ms": {"p50": 0.84, "p99": 1.9},
        "qps": 9100.4,
        "threads": 2,
        "device": "cpu",
        "seconds": {"train": 70.1, "encode": 40.9, "quantize": 0.0, "search": 1.2},
        "keys": {"ranking": "0123abcd"},
        "commit": "f00d",
    }
    return ResultRow(**(fields | changes))


def make_runs(folder, data="beir", corpus=CORPUS, cells=CELLS, **fields):
    """Write the runs of `cells` into folder/runs/DATA; returns that folder."""
    rng = np.random.default_rng(7)
    for number, (retriever, quantizer, search, seeds, good, size, milliseconds) in enumerate(cells):
        for seed in seeds:
            where = folder / "runs" / data / f"{number}-{seed}"
            where.mkdir(parents=True)
            ids, ranks = rankings(rng, good)
            figures = {"MRR@10": np.where(ranks <= 10, 1 / ranks, 0)} | {f"R@{k}": ranks <= k for k in (1, 5, 20)}
            figures = {name: values.astype(np.float64) for name, values in figures.items()}
            scores = np.tile(np.linspace(1, 0.1, DEPTH, dtype=np.float32), (QUERIES, 1))
            qids = [f"q{n}" for n in range(QUERIES)]
            write_trec(where / "run.trec", qids, lambda rows: [f"p{row}" for row in rows], ids, scores, "made")
            write_per_query(where / "per_query.parquet", qids, figures)
            made = ResultRow(
                retriever=retriever,
                quantizer=quantizer,
                search=search,
                sampler="bm25" if retriever == "dpr" else None,
                data=data,
                encoder=None if retriever == "bm25" else "tiny",
                seed=seed,
                metrics={name: float(values.mean()) for name, values in figures.items()} | {"nDCG@10": None},
                queries=QUERIES,
                passages=PASSAGES,
                bytes_per_passage=size,
                index_bytes=int(size * PASSAGES),
                disk_bytes=0,
                latency_ms={"p50": milliseconds, "p99": 3 * milliseconds},
                qps=1000 / milliseconds,
                threads=1,
                device="cpu",
                seconds={"train": 10.0, "encode": 5.0, "quantize": 0.0, "search": 1.0},
                keys={"data": corpus} | ({"fit": f"fit{seed}"} if retriever == "dpr" else {}),
                commit="f00d",
                **fields,
            )
            made.write(where / "result.json")
    return folder / "runs" / data


def rankings(rng, good):
    """ids int64 [QUERIES, DEPTH] and the rank of each query's relevant passage, p0 of q0, p1 of q1, ..."""
    ranks = np.where(rng.random(QUERIES) < good, 1 + rng.integers(0, 3, QUERIES), 8 + rng.integers(0, 12, QUERIES))
    ids = np.empty((QUERIES, DEPTH), dtype=np.int64)
    for query, rank in enumerate(ranks):
        others = rng.permutation(np.delete(np.arange(PASSAGES), query))[: DEPTH - 1]
        ids[query] = np.insert(others, rank - 1, query)
    return ids, ranks.astype(np.float64)


def make_corpus(store, key=CORPUS, scored_by="qrels"):
    """Write the corpus of the runs into the store: p0 and q0 hold markup, p2 is long, q5 has 21 relevant passages."""
    folder = store / "data" / key
    folder.mkdir(parents=True)
    writer = SchemaWriter(folder, scored_by)

    def text(number):
        if number == 0:
            return MARKUP
        words = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 9))
        return " ".join([words] * 40) if number == 2 else words

    passages = [Passage(n + 1, f"p{n}", f"Title {n}", text(n)) for n in range(PASSAGES)]
    writer.passages(folder / "raw", passages)
    asked = [MARKUP, *(f"where is the {WORDS[n % len(WORDS)]} number {n}" for n in range(1, QUERIES))]
    answers = [[WORDS[n % len(WORDS)]] for n in range(QUERIES)] if scored_by == "answers" else [None] * QUERIES
    queries = [Query(n + 1, f"q{n}", asked[n], answers[n]) for n in range(QUERIES)]
    judged = [Judgement(n + 1, f"q{n}", f"p{n}", 1) for n in range(QUERIES)]
    judged.append(Judgement(QUERIES + 1, "q1", "p30", 0))
    judged += [Judgement(QUERIES + 2 + n, "q5", f"p{30 + n}", 1) for n in range(20)]
    taken = writer.judgements(folder / "raw", judged) if scored_by == "qrels" else None
    writer.split("test", folder / "raw", queries, taken)
    writer.finish()
    return store


def make_curves(store):
    """Write the training curves of the runs' two trainings into the store."""
    for seed in (0, 1):
        folder = store / "fit" / f"fit{seed}"
        folder.mkdir(parents=True)
        lines = [f'{{"loss": {1 / step}, "step": {step}}}\n' for step in range(1, 6)]
        (folder / "curve.jsonl").write_text("".join(lines))
        classes = '"objective": {"class": "Contrastive"}, "sampler": {"class": "BM25Hard"}'
        (folder / "manifest.json").write_text(f'{{"config": {{{classes}, "seed": {seed}}}}}')
    return store
