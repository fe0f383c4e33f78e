"""An exported run, read back by sentence-transformers and faiss: the run's vectors and the run's ranking."""

import subprocess
import sys

import faiss
import numpy as np
import pytest
from layouts import question_of, text_of, title_of

from labrador.encoders.tokens import Form, pad, tokenize
from labrador.errors import LabradorError
from labrador.export import models as exported
from labrador.export import write
from labrador.export.__main__ import main
from labrador.export.models import joined
from labrador.export.write import export
from labrador.finished.artifacts import RunArtifacts
from labrador.finished.runs import open_run

sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra `export`")

PASSAGES = [joined(title_of(i), text_of(i), "[SEP]") for i in range(64)]
QUERIES = {f"q{i}": question_of(i) for i in range(64) if i % 8 > 5}


def load(folder):
    return sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def trec(folder):
    """qid -> pids of run.trec, best first."""
    ranked = {}
    for line in (folder / "run.trec").read_text().splitlines():
        qid, _, pid, *_ = line.split()
        ranked.setdefault(qid, []).append(pid)
    return ranked


def stored(artifacts):
    """The passages' vectors as the run encoded them, in the order of PASSAGES."""
    return by_line(artifacts, artifacts.codes.view(np.float32))


def by_line(artifacts, vectors):
    return vectors[np.argsort(artifacts.corpus.source_rows())]


def far(ours, theirs):
    return np.abs(ours - np.asarray(theirs)).max()


@pytest.mark.parametrize("name", ["multirun/dense/0", "multirun/opq/0"])
def test_one_tower_and_its_index_give_the_runs_ranking(cells, tmp_path, name):
    run = open_run(cells / name)
    export(run, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    model, artifacts = load(tmp_path / "out"), RunArtifacts(run)
    queries = model.encode_query(list(QUERIES.values()))
    assert far(queries, artifacts.queries()[1]) < 1e-5
    if name == "multirun/dense/0":
        assert far(model.encode_document(PASSAGES), stored(artifacts)) < 1e-5
    pids = (tmp_path / "out" / "pids.txt").read_text().splitlines()
    assert pids == [f"p{line}" for line in artifacts.corpus.source_rows()]
    _, rows = faiss.read_index(str(tmp_path / "out" / "index.faiss")).search(queries, 64)
    expected = trec(cells / name)
    for qid, found in zip(QUERIES, rows, strict=True):
        assert [pids[row] for row in found] == expected[qid]


def test_lengths_are_the_runs(cells, tmp_path):
    run = open_run(cells / "multirun" / "dense" / "0")
    export(run, tmp_path / "out")
    model, long = load(tmp_path / "out"), "who keeps the red fox " * 60
    tower, encoder = RunArtifacts(run).queries()[0].towers(), RunArtifacts(run).encoder
    for side, encode in (("query", model.encode_query), ("passage", model.encode_document)):
        length = getattr(encoder, f"max_{side}_length")
        ids = tokenize(encoder.tokenizer(), [long], length, Form(getattr(encoder, f"{side}_prefix")))
        assert len(ids[0]) == length
        ours = tower.encode(side, *pad([np.asarray(row) for row in ids], 0)).detach().numpy()
        assert far(encode([long]), ours) < 1e-5


def test_two_towers_are_two_models(cells, tmp_path):
    run = open_run(cells / "outputs" / "towers")
    export(run, tmp_path / "out")
    artifacts = RunArtifacts(run)
    longest = np.abs(stored(artifacts)).max()
    query, passage = load(tmp_path / "out" / "query"), load(tmp_path / "out" / "passage")
    assert far(query.encode(list(QUERIES.values())), artifacts.queries()[1]) < 1e-5 * longest
    assert far(passage.encode(PASSAGES), stored(artifacts)) < 1e-5 * longest
    assert not (tmp_path / "out" / "modules.json").exists()


def test_bidr_brings_its_verifier_and_a_projection(cells, tmp_path):
    run = open_run(cells / "outputs" / "bidr")
    export(run, tmp_path / "out")
    artifacts = RunArtifacts(run)
    sparse, verifier = load(tmp_path / "out"), load(tmp_path / "out" / "verifier")
    assert far(sparse.encode_query(list(QUERIES.values())), artifacts.queries()[1]) < 1e-5
    assert far(verifier.encode_query(list(QUERIES.values())), artifacts.queries(verifier=True)[1]) < 1e-5
    assert far(verifier.encode_document(PASSAGES), by_line(artifacts, artifacts.vectors)) < 1e-5
    card = (tmp_path / "out" / "README.md").read_text()
    assert "20 candidates from the codes were reranked by the inner products of full vectors" in card
    assert "from the model in `verifier`" in card


def test_the_card_is_filled(cells, tmp_path):
    run = open_run(cells / "multirun" / "opq" / "0")
    export(run, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: sentence-transformers\n")
    for line in (
        "# pretrained opq scan",
        f"| MRR@10 | {run.row.metrics['MRR@10']:.4f} |",
        "| bytes per passage in memory | 2 |",
        "64 passages",
        run.command,
        "faiss IndexPreTransform over IndexPQ",
        "'query: '",
        "A search of `index.faiss` is the search whose figures stand above.",
        "License\n\nNot stated",
    ):
        assert line in card
    assert "bfloat16" not in card  # the runs here are of float32
    assert "question mark" not in card


def test_the_card_says_where_the_run_did_otherwise(cells, tmp_path, monkeypatch):
    run = open_run(cells / "multirun" / "dense" / "0")
    monkeypatch.setattr(RunArtifacts, "precision", "bfloat16")
    monkeypatch.setattr(type(run.part("data")), "question", lambda self, text: text.removesuffix("?"))
    export(run, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "The run multiplied matrices in bfloat16: the vectors behind `index.faiss` differ" in card
    assert "The queries of this data have no question mark at their end" in card


def test_the_cards_example_runs(cells, tmp_path):
    export(open_run(cells / "multirun" / "dense" / "0"), tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0].replace("THIS_FOLDER", str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[('p")


def test_a_run_without_vectors_is_refused(cells, tmp_path, capsys):
    assert main([str(cells / "outputs" / "bm25"), str(tmp_path / "out")]) == 2
    assert "bm25 has no encoder and no vectors; name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_token_types_is_refused(cells, tmp_path):
    run = open_run(cells / "multirun/dense/0")
    run.settings["encoder"]["segments"] = True
    with pytest.raises(
        LabradorError, match=r"dense/0: encoder\.segments=true gives a passage's text another token type"
    ):
        export(run, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_touched(cells, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for place in (tmp_path / "out", tmp_path / "out" / "mine.txt"):
        assert main([str(cells / "multirun" / "dense" / "0"), str(place)]) == 2
        assert "exists already; name a new or empty folder" in capsys.readouterr().err
    assert main([str(cells / "multirun" / "dense" / "0"), str(tmp_path / "no" / "out")]) == 2
    assert "the folder above it does not exist" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine.txt"]


def test_an_empty_folder_will_do(cells, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    assert main([str(cells / "outputs" / "lookup"), str(tmp_path / "out")]) == 0
    assert "its README.md says how to load it" in capsys.readouterr().out
    assert "hash tables, which are not part of this folder," in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (OSError(28, "No space left on device"), 2, "cannot be written ([Errno 28] No space left on device); free"),
        (RuntimeError("faiss: No space left on device"), 2, "out: cannot be written (faiss: No space left on device)"),
        (KeyboardInterrupt(), 130, "interrupted; nothing is left of the export"),
    ],
)
def test_a_failure_leaves_nothing(cells, tmp_path, monkeypatch, capsys, fault, code, message):
    def failing(*arguments):
        assert (tmp_path / ".out.partial" / "model.safetensors").is_file()
        raise fault

    monkeypatch.setattr(write, "write_faiss", failing)
    assert main([str(cells / "multirun" / "dense" / "0"), str(tmp_path / "out")]) == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_removed(cells, tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "half.safetensors").write_text("")
    export(open_run(cells / "outputs" / "lookup"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out" / "half.safetensors").exists()


def test_the_working_folder_will_do(cells, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main([str(cells / "outputs" / "lookup"), ".", "--store", str(cells / "artifacts")]) == 0
    assert (tmp_path / "here" / "README.md").is_file()


def test_a_model_with_other_vectors_is_refused(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "joined", lambda title, text, between: text)
    with pytest.raises(LabradorError, match="gives a passage a vector that differs by"):
        export(open_run(cells / "multirun" / "dense" / "0"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "state"), [("no_such_package", "is not installed"), ("sentence_transformers", "is version 5")]
)
def test_the_package_that_is_needed_is_named(cells, tmp_path, monkeypatch, name, state):
    monkeypatch.setattr(exported, "PACKAGE", name)
    monkeypatch.setattr("importlib.metadata.version", lambda package: "5.1.0")
    with pytest.raises(LabradorError, match=rf"sentence-transformers {state}.*labrador\[export\]"):
        export(open_run(cells / "multirun" / "dense" / "0"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
