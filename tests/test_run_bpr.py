"""The runner with learned binary codes, on small corpora in the published layouts."""

import pytest
from layouts import write_layout
from runner import SMALL, results, run


@pytest.mark.parametrize("data", ["nq", "msmarco", "trivia"])
def test_bpr_trains_once_and_is_searched_under_several_codes(tmp_path, data):
    write_layout(data, tmp_path / "raw")
    where = [f"data={data}", "data.path=raw", "train=quick", *SMALL]
    done = run("-m", "retriever=bpr", "quantizer=hash,flat", *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lookup = ["retriever=bpr", "search=hash_lookup", "search.candidates=20", "hydra.sweep.dir=multirun/lookup"]
    done = run("-m", *lookup, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = results(tmp_path / "multirun")
    cells = sorted((row["quantizer"], row["search"], row["bytes_per_passage"]) for row in rows)
    assert cells == [("flat", "two_stage", 128), ("hash", "hash_lookup", 4), ("hash", "two_stage", 4)]
    assert len({row["keys"]["fit"] for row in rows}) == 1


def test_a_hash_is_learned_on_frozen_vectors(tmp_path, beir):
    small = ["quantizer=hash", "quantizer.steps=3", "quantizer.batch_size=4", "search=two_stage"]
    where = ["data=beir", f"data.path={beir}", *SMALL]
    done = run("-m", "retriever=pretrained,dpr", *small, *where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["quantizer"] for row in results(tmp_path / "multirun")] == ["hash", "hash"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retriever=bpr", "quantizer.bits=8"], "set retriever.bits=8"),
        (["retriever=bpr", "retriever.alpha=-1"], "retriever.alpha=-1"),
        (["retriever=bpr", "retriever.alpha=inf"], "expected a finite number"),
        (["retriever=bpr", "retriever.relaxation=soft"], "expected one of tanh, straight_through"),
        (["retriever=bpr", "search=hash_lookup", "search.tables=9", "search.key_bits=8"], "search.key_bits=8"),
        (["retriever=dpr", "search=hash_lookup"], "a quantizer with binary codes"),
        (["retriever=pretrained", "quantizer=hash", "quantizer.alpha=-1"], "quantizer.alpha=-1"),
    ],
)
def test_a_mistake_is_reported_before_any_work(tmp_path, beir, arguments, message):
    done = run("data=beir", f"data.path={beir}", *SMALL, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "artifacts").exists()
