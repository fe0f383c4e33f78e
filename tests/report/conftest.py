"""Result rows for the tests of this folder."""

from typing import Any

import pytest

from labrador.report.rows import ResultRow


@pytest.fixture
def row():
    """A function that makes a row; its keywords replace fields."""

    def make(**changes: Any) -> ResultRow:
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

    return make


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
