"""Progress bars: rate and time left, lively on a terminal, two lines a minute in a log file."""

import sys
from typing import Any

from tqdm import tqdm

from . import processes

IN_A_FILE = 30.0  # seconds between two states of a bar in a log file


def bar(description: str, unit: str, total: int | None = None, done: int = 0, **options: Any) -> "tqdm[Any]":
    """A tqdm bar over `total` of `unit` (" passages", "B"), `done` of them done; only the main process shows it."""
    watched = sys.stderr.isatty()
    return tqdm(
        desc=description,
        unit=unit,
        total=total,
        initial=done,
        disable=not processes.is_main(),
        mininterval=0.1 if watched else IN_A_FILE,
        maxinterval=10.0 if watched else IN_A_FILE,
        leave=True,
        **options,
    )
