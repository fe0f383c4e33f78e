"""Gains and losses by query."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from labrador.metrics.run_files import write_per_query
from labrador.report.figures.gains import GAIN, LOSS, _panel, gains
from labrador.report.figures.style import new_figure
from labrador.report.systems import System


@pytest.fixture
def measured(row, tmp_path):
    def make(name: str, figures: list[float]) -> System:
        folder = tmp_path / name
        folder.mkdir()
        write_per_query(folder / "per_query.parquet", list("abcd"), {"MRR@10": np.array(figures)})
        return System(name, (row(),), (Path(folder / "result.json"),))

    return make


def test_sorted_without_queries_that_have_no_score(measured):
    system, baseline = measured("system", [0.5, 1.0, np.nan, 0.0]), measured("baseline", [0.5, 0.25, 1.0, 0.5])
    assert gains(system, baseline, "MRR@10").tolist() == [0.75, 0.0, -0.5]


def test_a_panel_shows_gains_above_and_losses_below_and_queries_of_one_height_as_one_step():
    axes = new_figure(3, 2).add_subplot()
    _panel(axes, "dpr pq", np.array([0.5, 0.5, 0.0, -1.0]))
    gain, loss = axes.patches
    assert [to_hex(patch.get_facecolor()).upper() for patch in (gain, loss)] == [GAIN, LOSS]
    assert gain.get_data().edges.tolist() == loss.get_data().edges.tolist() == [0, 50, 75, 100]
    assert gain.get_data().values.tolist() == [0.5, 0, 0]
    assert loss.get_data().values.tolist() == [0, 0, -1]
    assert [text.get_text() for text in axes.texts] == ["better on 2\nworse on 1\nequal on 1\nmean +0.0000"]
