"""Result rows for the tests of this folder."""

import pytest
from made_runs import make_row


@pytest.fixture
def row():
    """A function that makes a row; its keywords replace fields."""
    return make_row


@pytest.fixture
def sweep(row):
    """bm25, pretrained and dpr with three quantizers: the shape of the demo's table."""
    none = {"train": None, "encode": None, "quantize": None, "search": 1.2}
    unused = dict.fromkeys(("quantizer", "sampler", "search", "encoder"))
    cost = {"bytes_per_passage": 512.3, "index_bytes": 6_164_000, "latency_ms": {"p50": 1.23}, "qps": 812}
    quality = {"MRR@10": 0.412, "R@20": 0.9, "nDCG@10": None}
    lexical = row(retriever="bm25", seconds=none, metrics=quality, **unused, **cost)
    return [
        row(retriever="pretrained", sampler=None, metrics={"MRR@10": 0.551, "R@20": 0.7, "nDCG@10": None}),
        row(),
        row(quantizer="pq", bytes_per_passage=48.0, index_bytes=977_632, latency_ms={"p50": 0.0821, "p99": None}),
        row(quantizer="lsh", bytes_per_passage=48.0, metrics={"MRR@10": 0.4904, "R@20": None, "nDCG@10": None}),
        lexical,
    ]
