"""Gains and losses question by question."""

from pathlib import Path

import numpy as np
import pytest

from labrador.metrics.run_file import write_per_query
from labrador.report.figures.gains import gains
from labrador.report.systems import System


@pytest.fixture
def measured(row, tmp_path):
    def make(name: str, figures: list[float]) -> System:
        folder = tmp_path / name
        folder.mkdir()
        write_per_query(folder / "per_query.parquet", list("abcd"), {"MRR@10": np.array(figures)})
        return System(name, (row(),), (Path(folder / "result.json"),))

    return make


def test_sorted_with_questions_that_do_not_count_left_out(measured):
    system, baseline = measured("system", [0.5, 1.0, np.nan, 0.0]), measured("baseline", [0.5, 0.25, 1.0, 0.5])
    assert gains(system, baseline, "MRR@10").tolist() == [0.75, 0.0, -0.5]
