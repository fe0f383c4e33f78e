"""How long an answer takes from a cold start: `python search.py run=PATH "..."`, a new process for each.

    python benchmarks/ask.py RUN [RUN ...] [--processes 5] [--onnx minilm.onnx]

Each run answers in new processes, one after another; a first one, which fills the caches of disk and numba, is not
counted. Wall clock and processor time are medians; `alone` is the time of the search as its process prints it. For
comparison: an empty Python process, and the first vector of encoder=minilm with NumPy (encoders/numpy_bert.py), with
torch and transformers, and with onnxruntime, given an export of the model (inputs `ids` and `mask`, output the last
hidden states).
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
MINILM = """
from labrador.encoders.checkpoint import Checkpoint
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.numpy_bert import question_encoder, with_transformers
checkpoint = Checkpoint(BundledMiniLM(pooling="mean", normalize=True, shared=True), None, "minilm")
{}(checkpoint)(["how do I read a csv in chunks"])
"""
ONNX = """
import sys
import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from labrador.encoders.minilm import BundledMiniLM
folder = BundledMiniLM(pooling="mean", normalize=True, shared=True).folder()
ids = np.array([Tokenizer.from_file(str(folder / "tokenizer.json")).encode("how do I read a csv in chunks").ids])
onnxruntime.InferenceSession(sys.argv[1]).run(None, {"ids": ids, "mask": np.ones_like(ids)})
"""
VECTORS = [
    ("first vector, NumPy", ["-c", MINILM.format("question_encoder")]),
    ("first vector, transformers", ["-c", MINILM.format("with_transformers")]),
]


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
    parser.add_argument("runs", nargs="*", help="folders of finished runs")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--onnx", help="an ONNX export of encoder=minilm")
    settings = parser.parse_args()
    cells = [(run, [str(SEARCH), f"run={run}", QUERY]) for run in settings.runs]
    print("| what | seconds | processor seconds | search alone (ms) |\n|---|---:|---:|---:|")
    onnx = [("first vector, onnxruntime", ["-c", ONNX, settings.onnx])] if settings.onnx else []
    for name, arguments in [*cells, EMPTY, *VECTORS, *onnx]:
        wall, used, out = measured(arguments, settings.processes)
        title = re.search(r": (.*) seed=", out)
        alone = re.search(r"passages in (\d+) ms", out)
        label = f"{title[1]} ({name})" if title else name
        print(f"| {label} | {wall:.2f} | {used:.2f} | {alone[1] if alone else '-'} |", flush=True)


if __name__ == "__main__":
    main()
