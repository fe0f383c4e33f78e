"""The runner as a user meets it: whole cells on small corpora with the tiny encoder, and what it says of mistakes."""

import subprocess
import sys

import ir_measures
import pytest
from layouts import write_layout
from runner import ROOT, SMALL, results, run, spawn


def test_help_lists_every_group_and_option(tmp_path):
    done = spawn("--help", cwd=tmp_path)
    assert done.returncode == 0
    for path in (ROOT / "conf").glob("*/*.yaml"):
        assert path.stem in done.stdout
        assert path.parent.name in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_cfg_job_shows_the_composed_config(tmp_path):
    done = spawn("--cfg", "job", "retriever=bm25", cwd=tmp_path)
    assert done.returncode == 0
    assert "labrador.retrievers.bm25.BM25" in done.stdout


def test_a_matrix_trains_one_encoder_and_makes_every_artifact_once(tmp_path, beir):
    cells = ["retriever=dpr", "quantizer=flat,sq8,lsh", "search=scan,two_stage", "data=beir", f"data.path={beir}"]
    done = run("-m", *cells, *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": making it") == len(list((tmp_path / "artifacts").glob("*/*/manifest.json")))
    assert len(list((tmp_path / "artifacts" / "fit").iterdir())) == 2  # the checkpoint and its lock
    rows = results(tmp_path / "multirun")
    assert [(row["quantizer"], row["search"]) for row in rows] == [
        (quantizer, search) for quantizer in ("flat", "sq8", "lsh") for search in ("scan", "two_stage")
    ]
    again = run("-m", *cells, *SMALL, cwd=tmp_path)
    assert again.returncode == 0
    assert "making it" not in again.stdout
    assert results(tmp_path / "multirun")[-1]["metrics"] == rows[-1]["metrics"]


def test_two_sweeps_at_the_same_time_make_every_artifact_once(tmp_path, beir):
    cells = ["retriever=dpr", "quantizer=flat,lsh", "data=beir", f"data.path={beir}", *SMALL]
    command = [sys.executable, str(ROOT / "run.py"), "-m", *cells]
    sweeps = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    logs = [sweep.communicate(timeout=300)[0] for sweep in sweeps]
    assert [sweep.returncode for sweep in sweeps] == [0, 0]
    made = len(list((tmp_path / "artifacts").glob("*/*/manifest.json")))
    assert sum(log.count(": making it") for log in logs) == made
    rows = results(tmp_path / "multirun")
    assert len(rows) == 4
    assert rows[0]["metrics"] == rows[2]["metrics"]


def test_two_processes_under_torchrun_train_encode_and_score(tmp_path, beir):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    where = ["retriever=dpr", "data=beir", f"data.path={beir}", *SMALL]
    done = spawn(*where, cwd=tmp_path, launcher=torchrun)
    assert done.returncode == 0, done.stderr
    assert len(results(tmp_path / "outputs")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "outputs"]
    failed = spawn(*where, "data.max_passages=3", cwd=tmp_path, launcher=torchrun)
    assert failed.returncode != 0
    assert "error: data.max_passages=3" in failed.stderr


def test_the_run_file_gives_the_metrics_of_the_row(tmp_path, beir):
    done = run("retriever=pretrained", "data=beir", f"data.path={beir}", *SMALL, "hydra.run.dir=here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = results(tmp_path / "here")[0]
    qrels = list(ir_measures.read_trec_qrels(str(_trec_qrels(beir, tmp_path))))
    trec = list(ir_measures.read_trec_run(str(tmp_path / "here" / "run.trec")))
    outside = ir_measures.calc_aggregate([ir_measures.RR @ 10, ir_measures.R @ 5], qrels, trec)
    assert outside[ir_measures.RR @ 10] == pytest.approx(row["metrics"]["MRR@10"])
    assert outside[ir_measures.R @ 5] == pytest.approx(row["metrics"]["R@5"])


def _trec_qrels(beir, folder):
    lines = (beir / "qrels" / "test.tsv").read_text().splitlines()[1:]
    path = folder / "qrels.trec"
    path.write_text("".join(f"{qid} 0 {pid} {grade}\n" for qid, pid, grade in (line.split("\t") for line in lines)))
    return path


@pytest.mark.parametrize("data", ["msmarco", "msmarco_doc", "nq", "trivia"])
def test_published_layouts_run_end_to_end(tmp_path, data):
    write_layout(data, tmp_path / "raw")
    done = run("retriever=dpr", f"data={data}", "data.path=raw", "train=quick", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = results(tmp_path / "outputs")[0]
    assert row["data"] == data
    assert row["metrics"]["R@1"] is not None


def test_a_folder_without_train_judgements(tmp_path, beir):
    corpus = tmp_path / "corpus"
    (corpus / "qrels").mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        (corpus / name).write_bytes((beir / name).read_bytes())
    where = ["data=beir", "data.path=corpus"]
    for retriever in ("pretrained", "bm25"):
        done = run(f"retriever={retriever}", *where, *SMALL, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = run("retriever=dpr", *where, *SMALL, cwd=tmp_path)
    assert done.returncode == 2
    assert "no train split" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quantizer=opqq"], "quantizer=opqq: no such option; expected one of flat, hash,"),
        (["retriever=dpr", "-m", "quantizer=flat,opqq"], "quantizer=opqq: no such option; expected one of flat, hash,"),
        (["train.step=3"], "train.step: no such setting; expected one of epochs, max_steps,"),
        (["retriever=bm25", "quantizer=opq"], "bm25 has no vectors to quantize"),
        (["quantizer=opq", "quantizer.codebooks=7"], "quantizer.codebooks=7"),
        (["quantizer=opq", "quantizer.codebook=8"], "codebooks"),
        (["quantizer=opq", "+quantizer.codebook=8"], "expected one of the settings codebooks"),
        (["quantizer=opq", "quantizer.codebooks=many"], "expected a whole number"),
        (["retriever=dbr"], "dpr"),
        (["search.device=cuda"], "search.device=cuda: expected cpu"),
        (["data.split=validation"], "validation"),
        (["data.path=nowhere"], "nowhere"),
        (["train.batch_size=0"], "train.batch_size=0"),
        (["retriever.temperature=0"], "retriever.temperature=0"),
        (["seed=-1"], "seed=-1"),
        (["seed=abc"], "seed=abc: expected a whole number"),
        (["device=gpu"], "expected one of auto, cpu, cuda"),
        (["+foo=1"], "foo=1: expected one of the settings seed, store, device"),
        (["store="], "store=: expected a folder"),
        (["data.name=${x}"], "data.name: Interpolation key 'x' not found; "),
        (["store=null"], "store=null: expected text"),
        (["sampler=null"], "Config group override must be"),
        (["data.path=no=where (1)/it's, naïve"], "data.path=no=where (1)/it's, naïve: no such folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2_and_leaves_nothing(tmp_path, beir, arguments, message):
    where = ["data=beir", f"data.path={beir}"] if "data.path=n" not in arguments[0] else ["data=beir"]
    done = run(*where, *SMALL, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("result.json"))
    assert not list(tmp_path.rglob("*.partial"))
    assert not list((tmp_path / "outputs").glob("*/*"))
