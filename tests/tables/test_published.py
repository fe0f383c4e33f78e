"""Published tables as YAML: read whole, or reported with what is wrong."""

from pathlib import Path

import pytest
import yaml

from labrador.errors import LabradorError
from labrador.tables.published import read_table

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
CELL = {"name": "New BPR, (flat)", "overrides": ["retriever=bpr"], "published": {"R@20": 80.5, "query_ms": 85}}
TABLE = {
    "title": "A table",
    "source": "A paper",
    "needs": {"gpus": 8, "gpu_memory_gb": 16, "disk_gb": 120, "hours": 30},
    "common": ["data=nq"],
    "small": ["data=pydocs"],
    "cells": [CELL, {"name": "Other", "overrides": None, "published": {"R@20": 81}}],
}


def read(tmp_path, content):
    (tmp_path / "made_up.yaml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_table(tmp_path / "made_up.yaml")


def test_a_table_is_read(tmp_path):
    table = read(tmp_path, TABLE)
    assert (table.name, table.title, table.needs["hours"]) == ("made_up", "A table", 30)
    assert (table.at("common"), table.at("small")) == (("data=nq",), ("data=pydocs",))
    assert [cell.slug for cell in table.cells] == ["new-bpr-flat", "other"]
    assert table.cells[0].overrides == ("retriever=bpr",)
    assert table.cells[1].overrides is None
    assert table.cells[0].published == {"R@20": 80.5, "query_ms": 85}
    with pytest.raises(LabradorError, match="scale=big: expected common or small"):
        table.at("big")


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_table_of_the_house_is_read(file):
    assert read_table(file).cells


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": None, "more": 1}, "expected the keys title, source, .*, found .*more"),
        ({"needs": {"gpus": 1}}, "needs: expected the keys gpus, gpu_memory_gb, disk_gb, hours, found gpus"),
        ({"small": "data=pydocs"}, r"small='data=pydocs': expected a list of overrides"),
        ({"common": ["nq"]}, r"common=\['nq'\]: expected a list of overrides"),
        ({"cells": []}, "cells: expected a list of cells"),
        ({"cells": [{"name": "x"}]}, r"cells\[0\]: expected the keys name, overrides, published, found name"),
        ({"cells": [CELL | {"overrides": "x"}]}, r"cells\[0\]: overrides='x': expected a list"),
        ({"cells": [CELL, CELL | {"published": {"R@1": "high"}}]}, r"cells\[1\]: published=.*high.*expected figures"),
        ({"cells": [CELL, CELL | {"name": "new bpr flat"}]}, "cells: two cells are called 'New BPR, .flat.'"),
    ],
)
def test_faults_are_reported_with_file_and_key(tmp_path, change, message):
    with pytest.raises(LabradorError, match=f"{tmp_path}/made_up.yaml: {message}") as caught:
        read(tmp_path, TABLE | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["a: [", "", "text", "\t"])
def test_what_is_no_table_is_reported(tmp_path, content):
    with pytest.raises(LabradorError, match=f"{tmp_path}/made_up.yaml: expected"):
        read(tmp_path, content)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(LabradorError, match=r"nowhere\.yaml: expected a published table in YAML"):
        read_table(tmp_path / "nowhere.yaml")
