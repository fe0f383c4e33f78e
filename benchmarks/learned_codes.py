"""The learned hash beside fixed codes on a real corpus: {pretrained, dpr, bpr} x {flat, lsh, pq, opq, rabitq, hash}.

    python benchmarks/learned_codes.py DIR            # a BEIR folder with train questions, here wiki-questions

MiniLM (mean pooling, normalised, 256 tokens), data.max_passages=30000; dpr and bpr are trained for 3 epochs, batch 32,
one BM25 negative, lr 3e-5, no dropout. The seed draws the passages as well as everything else. The runs stay in
multirun/learned_codes, the artifacts in artifacts/. Prints mean and spread over the seeds, and the p of a paired
randomisation test of MRR@10 (questions averaged over seeds) against the same retriever's reranked hash.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from labrador.report.statistics import randomisation_test

ROOT = Path(__file__).resolve().parents[1]
RUNS = Path("multirun/learned_codes")
TRAIN = ["train.epochs=3", "train.max_steps=null", "train.batch_size=32", "train.learning_rate=3e-5", "train.dropout=0"]
SEEDS = {"pretrained": "0,1,2", "dpr": "0,1", "bpr": "0,1"}
QUANTIZERS = {"scan": "flat,lsh,pq,opq,rabitq,hash", "two_stage": "lsh,rabitq,hash"}
BASELINE = ("hash", "two_stage")
DRAWS = 20_000  # of the randomisation test

Cell = tuple[str, str, str]  # retriever, quantizer, search


def run_all(data: list[str]) -> None:
    """Run the cells; what is cached costs nothing."""
    shutil.rmtree(RUNS, ignore_errors=True)
    for retriever, seeds in SEEDS.items():
        for search, quantizers in QUANTIZERS.items():
            cells = [f"retriever={retriever}", f"quantizer={quantizers}", f"search={search}", f"seed={seeds}", *TRAIN]
            command = [sys.executable, str(ROOT / "run.py"), "-m", *data, *cells]
            command += [f"hydra.sweep.dir={RUNS}/{retriever}-{search}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read_all() -> tuple[dict[Cell, list[dict[str, Any]]], dict[Cell, NDArray[np.float64]]]:
    """The result rows of each cell, one a seed, and its questions' reciprocal ranks averaged over seeds [Q]."""
    rows: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    ranks: dict[Cell, list[NDArray[np.float64]]] = defaultdict(list)
    for path in sorted(RUNS.rglob("result.json")):
        row = json.loads(path.read_text())
        cell = row["retriever"], row["quantizer"], row["search"]
        rows[cell].append(row)
        table = pq.read_table(path.parent / "per_query.parquet").sort_by("qid")
        ranks[cell].append(table["MRR@10"].to_numpy().astype(np.float64))
    return rows, {cell: np.mean(values, axis=0) for cell, values in ranks.items()}


def p_value(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Two-sided p of the paired randomisation test that two systems have the same mean over the same questions [Q]."""
    pair = np.array([(0, 1)])
    return float(randomisation_test(np.stack([first, second]), pair, np.random.default_rng(0), DRAWS)[0])


def main() -> None:
    """Run the cells and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a BEIR folder with train and test judgements")
    parser.add_argument("--passages", type=int, default=30000, help="data.max_passages")
    options = parser.parse_args()
    run_all(["data=beir", f"data.path={options.folder.resolve()}", f"data.max_passages={options.passages}"])
    rows, ranks = read_all()
    print("| retriever | quantizer | search | bytes | seeds | MRR@10 | spread | R@20 | R@100 | hash better by | p |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for cell, found in rows.items():
        figures = {name: [row["metrics"][name] for row in found] for name in ("MRR@10", "R@20", "R@100")}
        own = figures["MRR@10"]
        means = [f"{np.mean(values):.4f}" for values in figures.values()]
        beside = "| | |"
        if cell[1:] != BASELINE:
            best = ranks[(cell[0], *BASELINE)]
            beside = f"| {best.mean() - ranks[cell].mean():+.4f} | {p_value(best, ranks[cell]):.4f} |"
        print(
            f"| {' | '.join(cell)} | {found[0]['bytes_per_passage']:.0f} | {len(found)} | {means[0]} "
            f"| {max(own) - min(own):.4f} | {means[1]} | {means[2]} {beside}"
        )


if __name__ == "__main__":
    main()
