"""The examples of docs/extending work as they stand: a copy of the checkout gets their files and runs their tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
CODE = shutil.ignore_patterns("__pycache__")


@pytest.mark.parametrize("page", ["retriever", "quantizer", "sampler"])
def test_a_page_is_one_file_one_yaml_and_one_test_that_passes(page, tmp_path):
    blocks = dict(BLOCK.findall((ROOT / "docs" / "extending" / f"{page}.md").read_text()))
    assert [Path(name).parts[0] for name in blocks] == ["src", "conf", "tests"]
    for folder in ("src", "conf", "tests", "hydra_plugins"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=CODE)
    (tmp_path / "typings").mkdir()
    (tmp_path / "typings" / "labrador").symlink_to(tmp_path / "src")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in blocks.items():
        assert not (tmp_path / name).exists(), f"{name} is there already"
        (tmp_path / name).write_text(text)
    path = os.pathsep.join(map(str, (tmp_path / "typings", tmp_path)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", list(blocks)[2]]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_tested():
    assert {path.stem for path in (ROOT / "docs" / "extending").glob("*.md")} == {"retriever", "quantizer", "sampler"}
