"""The promise: every retriever runs with every quantizer on every kind of data, or says before any work why not."""

import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest
from layouts import question_of, text_of, title_of, write_layout
from runner import results, run
from teachers import write_teacher

from labrador.data import pydocs

QUANTIZERS = ("flat", "sq8", "lsh", "pq", "opq", "rabitq", "hash", "learned_pq")
DENSE = ("pretrained", "dpr", "bpr", "bidr")
PASSAGES = {"beir": 320}  # enough for the 256 codewords that are the default; the others have 16
TINY = ["encoder=tiny", "encoder.hidden=48", "train=quick", "train.max_steps=1", "train.batch_size=4", "device=cpu"]
FEW = ["quantizer.steps=3", "quantizer.batch_size=4", "search.k=100"]
CODEWORDS = ["quantizer.centroids=16"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A ready teacher's folder; read only."""
    pairs = [question_of(i) for i in range(8)], [(title_of(i), text_of(i)) for i in range(64)]
    return write_teacher(tmp_path_factory.mktemp("teacher"), *pairs)


@pytest.mark.parametrize("data", ["pydocs", "beir", "msmarco", "nq"])
def test_every_retriever_runs_with_every_quantizer(tmp_path, data, teacher, monkeypatch):
    where = ["data=pydocs", "data.packages=[filelock]"]
    part = Path(sysconfig.get_paths()["stdlib"]) / "unittest"  # of the standard library: all of it takes a minute
    monkeypatch.setattr(pydocs, "sysconfig", SimpleNamespace(get_paths=lambda: {"stdlib": part}))
    if data != "pydocs":
        where = [f"data={data}", f"data.path={write_layout(data, tmp_path / 'raw', PASSAGES.get(data, 64))}"]
    small = [*TINY, *FEW, *([] if data in PASSAGES else CODEWORDS)]
    quantizers = f"quantizer={','.join(QUANTIZERS)}"
    bidr = [] if data in PASSAGES else ["retriever.centroids=16"]
    first = run("-m", f"retriever=bm25,{','.join(DENSE)}", quantizers, *where, *small, *bidr, cwd=tmp_path)
    assert first.returncode == 2
    errors = [line for line in first.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == len(QUANTIZERS[1:])
    for name, line in zip(QUANTIZERS[1:], errors, strict=True):
        assert line.startswith(f"error: retriever=bm25 quantizer={name}: bm25 has no vectors to quantize; leave ")
    second = run("-m", "retriever=pair", f"retriever.teacher={teacher}", quantizers, *where, *small, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    rows = results(tmp_path / "multirun")
    cells = {(row["retriever"], row["quantizer"]) for row in rows}
    assert cells == {("bm25", None), *((r, q) for r in (*DENSE, "pair") for q in QUANTIZERS)}
    assert all(row["metrics"]["R@1"] is not None for row in rows)
