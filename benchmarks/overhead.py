"""What the runner costs in addition to the work itself.

    python benchmarks/overhead.py

Each in a fresh process: the most expensive cell (dpr, opq) in an empty store; the same cell again, everything cached;
a matrix of one retriever x six quantizers in another empty store. Prints seconds, and the matrix's ratio to the cell.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def seconds(folder: Path, *arguments: str) -> float:
    """Wall time of one `python run.py` in `folder`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, str(ROOT / "run.py"), *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, default=20, help="training steps of the cell; more make the ratios smaller"
    )
    options = parser.parse_args()
    settings = ["data.packages=[numpy]", "encoder.max_passage_length=128", f"train.max_steps={options.steps}"]
    settings.append("retriever=dpr")
    six = "quantizer=flat,sq8,lsh,pq,opq,rabitq"
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        cell = seconds(Path(first), *settings, "quantizer=opq")
        cached = statistics.median(seconds(Path(first), *settings, "quantizer=opq") for _ in range(3))
        matrix = seconds(Path(second), "-m", *settings, six)
    print("| run | seconds | ratio to the cell |")
    print("|---|---|---|")
    print(f"| one cell (dpr, opq), empty store | {cell:.1f} | 1.00 |")
    print(f"| the same cell, cached (median of 3) | {cached:.1f} | {cached / cell:.3f} |")
    print(f"| six quantizers, empty store | {matrix:.1f} | {matrix / cell:.2f} |")


if __name__ == "__main__":
    main()
