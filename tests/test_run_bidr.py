"""The runner with BiDR and learned product quantization, on small corpora in the published layouts."""

import pytest
from layouts import write_layout
from runner import SMALL, results, run

WORDS = ["retriever.centroids=16", "search.candidates=20"]


@pytest.mark.parametrize("data", ["nq", "msmarco", "msmarco_doc"])
def test_bidr_keeps_codes_in_memory_and_vectors_on_disk(tmp_path, data):
    write_layout(data, tmp_path / "raw")
    where = [f"data={data}", "data.path=raw", "train=quick", *SMALL]
    done = run("retriever=bidr", *WORDS, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    assert (row["quantizer"], row["sampler"], row["search"]) == ("learned_pq", "snowball", "two_stage")
    assert row["bytes_per_passage"] == 2  # of 32 dimensions: 4 codewords of 4 bits
    assert row["disk_bytes"] == 4 * 32 * row["passages"]
    assert set(row["latency_ms"]) == {"p50", "p99", "candidates", "rerank"}


def test_samplers_and_compressions_share_the_sparse_stage(tmp_path, beir):
    where = ["data=beir", f"data.path={beir}", *WORDS, *SMALL]
    done = run("-m", "retriever=bidr", "sampler=random_walk,snowball", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("-m", "retriever=bidr", "quantizer=flat,lsh", "hydra.sweep.dir=multirun/other", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scan = ["retriever=bidr", "search=scan", "hydra.run.dir=multirun/scan", *where[:-4], *SMALL]
    done = run(*(argument for argument in scan if "candidates" not in argument), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    fits = sorted(sum(name.startswith("fit") for name in row["keys"]) for row in results(tmp_path / "multirun"))
    assert fits == [2, 3, 3, 3, 3]  # a scan needs no verifier
    samplers = sorted((row["search"], row["sampler"] or "") for row in results(tmp_path / "multirun"))
    assert samplers[0] == ("scan", "")
    assert [sampler for _, sampler in samplers[1:]] == ["random_walk", "snowball", "snowball", "snowball"]
    assert len(list((tmp_path / "artifacts" / "fit").glob("*/manifest.json"))) == 4  # two are the verifiers


@pytest.mark.parametrize("retriever", ["pretrained", "dpr", "bpr"])
def test_learned_pq_is_learned_on_frozen_vectors(tmp_path, beir, retriever):
    small = ["quantizer=learned_pq", "quantizer.centroids=16", "quantizer.steps=3", "quantizer.batch_size=4"]
    where = ["data=beir", f"data.path={beir}", *SMALL]
    done = run(f"retriever={retriever}", *small, "search=scan", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    assert (row["quantizer"], row["bytes_per_passage"]) == ("learned_pq", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retriever=bidr", "retriever.codebooks=5"], "retriever.codebooks=5: expected a divisor"),
        (["retriever=bidr", "quantizer.codebooks=8"], "set retriever.codebooks=8"),
        (["retriever=bidr", "quantizer.centroids=16"], "set retriever.centroids=16"),
        (["retriever=bidr", "retriever.init=kmeans"], "expected one of opq, pq, random"),
        (["retriever=bidr", "retriever.reconstruction=-1"], "retriever.reconstruction=-1"),
        (["retriever=dpr", "quantizer=learned_pq", "quantizer.codebooks=5"], "quantizer.codebooks=5"),
        (["retriever=bm25", "quantizer=learned_pq"], "quantizer=learned_pq: bm25 has no vectors"),
    ],
)
def test_a_mistake_is_reported_before_any_work(tmp_path, beir, arguments, message):
    done = run("data=beir", f"data.path={beir}", *SMALL, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "artifacts").exists()


def test_a_corpus_too_small_for_the_codewords_is_refused_before_any_long_step(tmp_path, beir):
    done = run("data=beir", f"data.path={beir}", *SMALL, "retriever=bidr", cwd=tmp_path)
    assert done.returncode == 2
    assert "retriever.centroids=256: expected at most one for each of 64 training vectors" in done.stderr
    assert {path.name for path in (tmp_path / "artifacts").iterdir()} <= {"data", "passages", "subset"}
