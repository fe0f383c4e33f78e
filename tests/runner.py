"""Whole runs for the tests: `run` in this process, `spawn` as a user starts one.

A process of its own costs seconds of imports, so that it is for what only a process shows.
"""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from labrador.launcher.launch import launch

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["encoder=tiny", "train.max_steps=2", "train.batch_size=4", "device=cpu"]


class Done(NamedTuple):
    """What a run left besides its files."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments, cwd) -> Done:
    """`python run.py ARGUMENTS` in the folder `cwd`, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched, own_logging():
        patched.chdir(cwd)
        patched.setattr(sys, "argv", ["run.py", *map(str, arguments)])
        patched.setenv("OMP_NUM_THREADS", "1")
        patched.setenv("COLUMNS", "200")
        patched.setattr(os, "fsync", lambda handle: None)  # a test's files need not outlive a power cut
        patched.setenv("HYDRA_FULL_ERROR", "1")  # which `launch` sets: undone afterwards
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = launch(ROOT / "conf")
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def own_logging() -> Iterator[None]:
    """Undo what Hydra does to the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


def spawn(*arguments, cwd, launcher=(sys.executable,)) -> subprocess.CompletedProcess[str]:
    """`python run.py ARGUMENTS` in the folder `cwd`, in a process of its own; `launcher` stands in for `python`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [*launcher, str(ROOT / "run.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def results(folder):
    """The result rows below a folder, in the order of their paths."""
    return [json.loads(path.read_text()) for path in sorted(Path(folder).rglob("result.json"))]
