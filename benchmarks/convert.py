"""Converting a psgs_w100.tsv: rows per second and peak memory, with the peak at 21,015,324 rows extrapolated.

    python benchmarks/convert.py [--rows 2000000] [--folder /tmp]

Generates the raw files of data=nq (100-word passages, a quarter of them with quotes; 2,000 train questions with 20
random hard negatives each), converts a quarter of the rows and then all of them in a child process, and extrapolates
from the two peaks. The peer is a pass of csv.reader over the same file in the same process: no conversion in Python is
faster than its parser.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PUBLISHED_ROWS = 21_015_324
LIMIT_MB = 2000


def generate(folder: Path, rows: int) -> None:
    """Write the raw files of data=nq with `rows` passages."""
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 10))) for _ in range(30_000)]
    halves = [" ".join(rng.choices(words, k=50)) for _ in range(5_000)]
    with (folder / "psgs_w100.tsv").open("w") as file:
        file.write("id\ttext\ttitle\n")
        for pid in range(1, rows + 1):
            first, second = halves[pid % 5000], halves[pid * 7919 // 5000 % 5000]
            text = f'"{first} ""quoted"" {second}"' if pid % 4 == 0 else f"{first} {second}"
            file.write(f"{pid}\t{text}\tTitle {pid // 7}\n")

    def context() -> dict[str, str]:
        return {"passage_id": str(rng.randint(1, rows))}

    for split, count in (("train", 2000), ("dev", 10)):
        questions = [
            {
                "question": f"question {i}?",
                "answers": ["a"],
                "positive_ctxs": [context()],
                "hard_negative_ctxs": [context() for _ in range(20)],
            }
            for i in range(count)
        ]
        (folder / f"biencoder-nq-{split}.json").write_text(json.dumps(questions, indent=1))
    (folder / "nq-test.qa.csv").write_text("question\t['answer']\n")


def convert(folder: Path, out: Path) -> dict[str, float]:
    """Convert the raw files in this process; seconds of the conversion and of the peer, peak memory in MB."""
    from labrador.data.nq import Nq
    from labrador.data.writer import SchemaWriter

    start = time.perf_counter()
    with (folder / "psgs_w100.tsv").open(newline="") as file:
        rows = sum(1 for _ in csv.reader(file, delimiter="\t")) - 1
    parsed = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    writer = SchemaWriter(out, "answers")
    source = Nq(path=str(folder))
    source.convert_passages(folder, writer)
    source.convert_splits(folder, source.splits, writer)
    writer.finish()
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "peer": parsed - start, "seconds": done - parsed, "before_mb": before, "peak_mb": peak}


def measure(folder: Path, rows: int) -> dict[str, float]:
    """Generate `rows` passages in `folder` and convert them in a child process."""
    raw, out = folder / f"raw-{rows}", folder / f"out-{rows}"
    raw.mkdir()
    out.mkdir()
    generate(raw, rows)
    command = [sys.executable, __file__, "--child", str(raw), str(out)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found["raw_mb"] = (raw / "psgs_w100.tsv").stat().st_size / 1e6
    print(
        f"{rows:>12,} rows, {found['raw_mb']:,.0f} MB: "
        f"{found['seconds']:.1f} s, {rows / found['seconds']:,.0f} rows/s, "
        f"{found['peer'] / found['seconds']:.2f} x a bare csv.reader pass ({rows / found['peer']:,.0f} rows/s); "
        f"peak memory {found['peak_mb']:.0f} MB ({found['before_mb']:.0f} MB before)"
    )
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, help="where the temporary files go (the system's place)")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(convert(*options.child)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        small = measure(Path(folder), options.rows // 4)
        large = measure(Path(folder), options.rows)
    per_row = (large["peak_mb"] - small["peak_mb"]) / (large["rows"] - small["rows"])
    expected = large["peak_mb"] + per_row * (PUBLISHED_ROWS - large["rows"])
    minutes = PUBLISHED_ROWS * large["seconds"] / large["rows"] / 60
    print(
        f"{per_row * 2**20:.0f} bytes per row; {PUBLISHED_ROWS:,} rows: {expected:,.0f} MB (limit {LIMIT_MB:,}), "
        f"about {minutes:.0f} minutes"
    )


if __name__ == "__main__":
    main()
