"""Training curves from a store."""

import pytest
from made_runs import make_curves, make_runs

from labrador.errors import LabradorError
from labrador.report.figures.training import curves, draw
from labrador.report.systems import systems
from labrador.results import find


@pytest.fixture
def found(tmp_path):
    return systems(find([make_runs(tmp_path)])), make_curves(tmp_path / "store")


def test_each_training_is_read_once(found):
    read, missing = curves(*found)
    assert missing == 0
    assert [(curve.key, curve.what, curve.retrievers) for curve in read] == [
        (f"fit{seed}", "Contrastive, BM25Hard", ("dpr",)) for seed in (0, 1)
    ]
    assert read[0].steps == [1, 2, 3, 4, 5]
    assert read[0].losses == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]


def test_what_is_not_in_the_store_is_counted(found, tmp_path):
    assert curves(found[0], tmp_path / "elsewhere") == ([], 2)
    assert draw([]) is None


def test_a_broken_curve_is_one_error(found):
    systems_found, store = found
    (store / "fit" / "fit0" / "curve.jsonl").write_text('{"loss": 1}\n')
    with pytest.raises(LabradorError, match=r"fit0: expected a training curve .*labrador.store verify"):
        curves(systems_found, store)
