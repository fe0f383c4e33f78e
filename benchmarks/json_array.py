"""Reading a biencoder-*-train.json: Labrador's reader against ijson (pip install ijson), in one run.

    python benchmarks/json_array.py [--questions 3000]

Generates questions with 101 contexts of 100 words each and reads them in a process for each reader: Labrador's, whose
errors name the line of an object; ijson's by blocks, whose objects have no line; and ijson's line by line, which has
the line on which an object ends.
"""

import argparse
import importlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

READERS = ("labrador", "ijson", "ijson by lines")


def generate(path: Path, questions: int) -> None:
    """Write a file of `questions`, 89 kB each."""
    rng = random.Random(0)
    words = ["".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 10))) for _ in range(30_000)]
    texts = [" ".join(rng.choices(words, k=100)) for _ in range(5_000)]

    def contexts(count: int) -> list[dict[str, Any]]:
        ids = (str(rng.randint(1, 21_000_000)) for _ in range(count))
        return [{"title": rng.choice(words), "text": rng.choice(texts), "score": 1.5, "passage_id": pid} for pid in ids]

    with path.open("w") as file:
        file.write("[\n")
        for number in range(questions):
            row = {"question": f"question {number}", "answers": ["a"], "positive_ctxs": contexts(1)}
            row |= {"negative_ctxs": contexts(50), "hard_negative_ctxs": contexts(50)}
            file.write(json.dumps(row, indent=4) + (",\n" if number + 1 < questions else "\n]\n"))


class Lines:
    """A file that gives one line at a time, whatever is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int) -> bytes:
        """The next line; b"" for size 0, with which ijson asks what the file gives."""
        return self.file.readline() if size else b""


def objects(path: Path, reader: str) -> Iterator[dict[str, Any]]:
    """The objects of the file."""
    if reader == "labrador":
        from labrador.data.json_array import read_json_array

        yield from (found for _, found in read_json_array(path))
        return
    ijson: Any = importlib.import_module("ijson")
    with path.open("rb") as file:
        yield from ijson.items(Lines(file) if reader == "ijson by lines" else file, "item", use_float=True)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=3000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        path, reader = options.child
        start = time.process_time()
        contexts = sum(len(found["hard_negative_ctxs"]) for found in objects(Path(path), reader))
        print(contexts, time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "biencoder-train.json"
        generate(path, options.questions)
        print(
            f"{path.stat().st_size / 1e6:.0f} MB\n\n| reader | processor seconds | peak memory, MB |\n|---|---:|---:|"
        )
        for reader in READERS:
            command = [sys.executable, __file__, "--child", str(path), reader]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            _, seconds, peak = map(float, done.stdout.split())
            print(f"| {reader} | {seconds:.2f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
