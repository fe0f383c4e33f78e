"""Published tables as YAML: read whole, or told what is wrong."""

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
    with pytest.raises(LabradorError, match="scale=big: common or small was expected"):
        table.at("big")


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_table_of_the_house_is_read(file):
    assert read_table(file).cells


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": None, "more": 1}, "the keys title, source, .* were expected, not .*more"),
        ({"needs": {"gpus": 1}}, "needs: the keys gpus, gpu_memory_gb, disk_gb, hours were expected, not gpus"),
        ({"small": "data=pydocs"}, r"small='data=pydocs': a list of overrides"),
        ({"common": ["nq"]}, r"common=\['nq'\]: a list of overrides"),
        ({"cells": []}, "cells: a list of cells was expected"),
        ({"cells": [{"name": "x"}]}, r"cells\[0\]: the keys name, overrides, published were expected, not name"),
        ({"cells": [CELL | {"overrides": "x"}]}, r"cells\[0\]: overrides='x': a list"),
        ({"cells": [CELL, CELL | {"published": {"R@1": "high"}}]}, r"cells\[1\]: published=.*high.*numbers"),
        ({"cells": [CELL, CELL | {"name": "new bpr flat"}]}, "cells: 'New BPR, .flat.' stands there twice"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(tmp_path, change, message):
    with pytest.raises(LabradorError, match=f"{tmp_path}/made_up.yaml: {message}") as caught:
        read(tmp_path, TABLE | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["a: [", "", "text", "\t"])
def test_what_is_no_table_is_told(tmp_path, content):
    with pytest.raises(LabradorError, match=f"{tmp_path}/made_up.yaml: .* expected"):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(LabradorError, match=r"nowhere\.yaml: a published table in YAML was expected"):
        read_table(tmp_path / "nowhere.yaml")
