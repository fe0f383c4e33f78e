"""The learned hash and fixed codes on a real corpus: {pretrained, dpr, bpr} x {flat, lsh, pq, opq, rabitq, hash}.

    python benchmarks/learned_codes.py DIR            # a BEIR folder with train questions, here wiki-questions

MiniLM (mean pooling, normalised, 256 tokens), data.max_passages=30000; dpr and bpr are trained for 3 epochs, batch 32,
one BM25 negative, lr 3e-5, no dropout; every seed has the same passages. The runs stay in
multirun/learned_codes, the artifacts in artifacts/. Prints mean and spread over the seeds, and p of MRR@10 against the
same retriever's reranked hash, by the report's test (docs/significance.md), not corrected.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from labrador.report.significance.differences import against
from labrador.report.systems import systems
from labrador.results import find

ROOT = Path(__file__).resolve().parents[1]
RUNS = Path("multirun/learned_codes")
TRAIN = ["train.epochs=3", "train.max_steps=null", "train.batch_size=32", "train.learning_rate=3e-5", "train.dropout=0"]
SEEDS = {"pretrained": "0,1,2", "dpr": "0,1", "bpr": "0,1"}
QUANTIZERS = {"scan": "flat,lsh,pq,opq,rabitq,hash", "two_stage": "lsh,rabitq,hash"}
BASELINE = ("hash", "two_stage")


def run_all(data: list[str]) -> None:
    """Run the cells; what is cached costs nothing."""
    shutil.rmtree(RUNS, ignore_errors=True)
    for retriever, seeds in SEEDS.items():
        for search, quantizers in QUANTIZERS.items():
            cells = [f"retriever={retriever}", f"quantizer={quantizers}", f"search={search}", f"seed={seeds}", *TRAIN]
            command = [sys.executable, str(ROOT / "run.py"), "-m", *data, *cells]
            command += [f"hydra.sweep.dir={RUNS}/{retriever}-{search}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Run the cells and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a BEIR folder with train and test judgements")
    parser.add_argument("--passages", type=int, default=30000, help="data.max_passages")
    options = parser.parse_args()
    run_all(["data=beir", f"data.path={options.folder.resolve()}", f"data.max_passages={options.passages}"])
    found = systems(find([RUNS]))
    apart = {}
    for system in found:
        row = system.rows[0]
        if (row.quantizer, row.search) == BASELINE:
            tested = against(found, [system], ["MRR@10"])
            same = {other.label for other in found if other.rows[0].retriever == row.retriever}
            apart |= {one.system: one for one in tested if one.system in same}
    print("| retriever | quantizer | search | bytes | seeds | MRR@10 | spread | R@20 | R@100 | hash better by | p |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for system in found:
        row = system.rows[0]
        means = [f"{system.mean(name):.4f}" for name in ("MRR@10", "R@20", "R@100")]
        one = apart.get(system.label)
        versus = "| | |" if one is None or one.p is None else f"| {-one.difference:+.4f} | {one.p:.4f} |"
        print(
            f"| {row.retriever} | {row.quantizer} | {row.search} | {row.bytes_per_passage:.0f} | {len(system.rows)} "
            f"| {means[0]} | {system.spread('MRR@10'):.4f} | {means[1]} | {means[2]} {versus}"
        )


if __name__ == "__main__":
    main()
