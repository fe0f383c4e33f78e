"""How long a query takes from a cold start: `python search.py run=PATH "..."`, a process for each.

    python benchmarks/ask.py RUN [RUN ...] [--processes 5]

Each run is queried in this many new processes, one after the other. A first one is not counted: it fills the disk's
cache and numba's. Wall clock and processor time are medians; `search alone` is the time within the process, as
search.py prints it. For comparison: an empty Python process, and one that imports torch and transformers' BertModel,
which a query does not need.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

SEARCH = Path(__file__).resolve().parents[1] / "search.py"
QUERY = "how do I read a csv in chunks"
EMPTY = ("python", ["-c", "pass"])
TRANSFORMERS = ("import of torch, BertModel", ["-c", "import torch; from transformers import BertModel"])


def measured(arguments: list[str], processes: int) -> tuple[float, float, str]:
    """Median wall clock and processor time in seconds of `python *arguments`, and what the last one printed."""
    walls, used, out = [], [], ""
    for number in range(processes + 1):
        before, start = os.times(), time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        wall, after, out = time.perf_counter() - start, os.times(), done.stdout
        if number:
            walls.append(wall)
            used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls), statistics.median(used), out


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="folders of finished runs")
    parser.add_argument("--processes", type=int, default=5)
    settings = parser.parse_args()
    cells = [(run, [str(SEARCH), f"run={run}", QUERY]) for run in settings.runs]
    print("| what | seconds | processor seconds | search alone (ms) |\n|---|---:|---:|---:|")
    for name, arguments in [*cells, EMPTY, TRANSFORMERS]:
        wall, used, out = measured(arguments, settings.processes)
        title = re.search(r": (.*) seed=", out)
        alone = re.search(r"passages in (\d+) ms", out)
        label = f"{title[1]} ({name})" if title else name
        print(f"| {label} | {wall:.2f} | {used:.2f} | {alone[1] if alone else '-'} |", flush=True)


if __name__ == "__main__":
    main()
