"""The runner with PAIR and with pseudo labels for other methods, on small corpora in the published layouts."""

import pytest
from layouts import question_of, text_of, title_of, write_layout
from runner import SMALL, results, run
from teachers import write_teacher

LABELLING = ["retriever.label_depth=10", "retriever.label_questions=8"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A ready teacher's folder; read only."""
    pairs = [question_of(i) for i in range(8)], [(title_of(i), text_of(i)) for i in range(64)]
    return write_teacher(tmp_path_factory.mktemp("teacher"), *pairs)


def last_fit(row):
    """The key of the last training that a row stands on."""
    return [key for name, key in row["keys"].items() if name.startswith("fit")][-1]


@pytest.mark.parametrize("data", ["beir", "nq", "msmarco"])
def test_pair_labels_and_trains_in_two_stages(tmp_path, data, teacher):
    write_layout(data, tmp_path / "raw")
    where = [f"data={data}", "data.path=raw", "train=quick", *SMALL]
    done = run("retriever=pair", f"retriever.teacher={teacher}", *LABELLING, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    assert (row["quantizer"], row["sampler"], row["search"]) == ("flat", "bm25", "scan")
    labels = row["labels"]
    assert labels["questions"] == 8
    assert sum(labels["histogram"]) == labels["scored"] == 80
    assert labels["positives"] > 0
    assert labels["negatives"] > 0
    assert labels["judged_on"] == "dev"
    assert (labels["teacher"], labels["positive_above"], labels["negative_below"]) == (str(teacher), 0.9, 0.1)
    assert "pseudo labels:" in done.stdout
    assert sum(name.startswith("fit") for name in row["keys"]) == 3  # the base retriever and two stages


def test_the_second_stage_alone_and_other_methods_share_the_labels(tmp_path, beir, teacher):
    where = ["data=beir", f"data.path={beir}", *SMALL, *LABELLING, f"retriever.teacher={teacher}"]
    swept = ["-m", "retriever=pair", "retriever.stages=both,first", "retriever.alpha=0,0.1"]
    done = run(*swept, *where, "hydra.sweep.dir=multirun/pair", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    second = ["retriever=pair", "retriever.stages=second", "hydra.run.dir=multirun/second"]
    done = run(*second, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("retriever=dpr", "retriever.labels=pseudo", *where, "hydra.run.dir=multirun/dpr", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = {step: len(list((tmp_path / "artifacts" / step).glob("*/manifest.json"))) for step in ("labels", "fit")}
    # the base retriever, a first stage for each alpha and its second, the second alone; it is dpr's on the same labels
    assert made == {"labels": 1, "fit": 6}
    assert all(row["labels"]["positives"] for row in results(tmp_path / "multirun"))


def test_unlabelled_questions_are_labelled_too(tmp_path, beir, teacher):
    (tmp_path / "more.txt").write_text("who keeps the purple fox\n\nwho feeds the grey heron\n")
    where = ["data=beir", f"data.path={beir}", *SMALL, *LABELLING, f"retriever.teacher={teacher}"]
    arguments = ["retriever=pair", "retriever.extra_queries=more.txt", "retriever.label_questions=1000"]
    done = run(*where, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    assert row["labels"]["questions"] == 32 + 2


@pytest.mark.parametrize("retriever", ["bpr", "bidr"])
def test_any_method_learns_from_pseudo_labels(tmp_path, beir, teacher, retriever):
    small = ["retriever.centroids=16"] if retriever == "bidr" else []
    where = ["data=beir", f"data.path={beir}", *SMALL]
    labelling = ["retriever.labels=pseudo", *LABELLING, f"retriever.teacher={teacher}"]
    done = run(f"retriever={retriever}", *small, *labelling, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run(f"retriever={retriever}", *small, *where, "hydra.run.dir=outputs/gold", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    gold, pseudo = sorted(results(tmp_path / "outputs"), key=lambda row: row["labels"] is not None)
    assert pseudo["labels"]["positives"] > 0
    assert last_fit(pseudo) != last_fit(gold)


def test_a_scan_of_codes_learned_from_pseudo_labels_needs_no_verifier(tmp_path, beir, teacher):
    where = ["data=beir", f"data.path={beir}", *SMALL, *LABELLING, f"retriever.teacher={teacher}"]
    chosen = ["retriever=bidr", "retriever.labels=pseudo", "retriever.centroids=16", "search=scan"]
    done = run(*chosen, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    assert row["labels"]["positives"] > 0
    # the base retriever, and the global and the sparse encoder
    assert sum(name.startswith("fit") for name in row["keys"]) == 3
    assert row["disk_bytes"] in (0, None)


def test_a_teacher_is_trained_where_none_is_named(tmp_path, beir):
    where = ["data=beir", f"data.path={beir}", *SMALL, *LABELLING]
    done = run("retriever=pair", *where, cwd=tmp_path)
    assert done.returncode == 2  # one that has seen eight questions is sure of nothing
    assert (
        "retriever.positive_above=0.9: expected at least one passage of 8 queries scored above it, but there is none"
        in done.stderr
    )
    assert "scores in tenths from 0:" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert len(list((tmp_path / "artifacts" / "teacher").glob("*/model/model.safetensors"))) == 1
    assert not list((tmp_path / "artifacts").glob("labels/*/manifest.json"))
    assert not results(tmp_path / "outputs")


def test_a_teacher_trained_here_is_learned_from(tmp_path, beir):
    teaching = [
        "retriever.teacher_epochs=30",
        "retriever.teacher_learning_rate=3e-3",
        "retriever.positive_above=0.7",
        "retriever.negative_below=0.3",
    ]
    where = ["data=beir", f"data.path={beir}", *SMALL, "retriever.label_depth=10", "retriever.label_questions=32"]
    done = run("retriever=pair", *teaching, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = results(tmp_path / "outputs")
    labels = row["labels"]
    assert (labels["teacher"], labels["positive_above"], labels["negative_below"]) == ("trained here", 0.7, 0.3)
    assert labels["positives"] > 0
    assert labels["negatives"] > 0
    (teacher,) = (tmp_path / "artifacts" / "teacher").glob("*/manifest.json")
    assert row["keys"]["teacher"] == teacher.parent.name
    assert sum(name.startswith("fit") for name in row["keys"]) == 3  # the base retriever and two stages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retriever=pair", "retriever.alpha=2"], "retriever.alpha=2"),
        (["retriever=pair", "retriever.stages=third"], "expected one of both, first, second"),
        (["retriever=pair", "retriever.negative_below=0.95"], "retriever.negative_below=0.95"),
        (["retriever=pair", "retriever.teacher=./nowhere"], "there is no such folder"),
        (["retriever=pair", "retriever.stages=second", "retriever.alpha=0.2"], "retriever.alpha=0.2"),
        (["retriever=pair", "retriever.teacher_epochs=0"], "retriever.teacher_epochs=0: expected a whole number >= 1"),
        (["retriever=pair", "sampler=snowball"], "use sampler=bm25"),
        (["retriever=dpr", "retriever.teacher=x"], "set retriever.labels=pseudo"),
        (["retriever=pair", "train.optimizer=sgd"], "train.optimizer=sgd"),
    ],
)
def test_a_mistake_is_reported_before_any_work(tmp_path, beir, arguments, message):
    done = run("data=beir", f"data.path={beir}", *SMALL, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "artifacts").exists()


def test_a_missing_file_of_queries_is_reported_before_any_long_step(tmp_path, beir):
    done = run("data=beir", f"data.path={beir}", *SMALL, "retriever=pair", "retriever.extra_queries=no", cwd=tmp_path)
    assert done.returncode == 2
    assert "retriever.extra_queries=no: expected a readable file of queries; " in done.stderr
    assert {path.name for path in (tmp_path / "artifacts").iterdir()} <= {"data", "passages", "subset"}
