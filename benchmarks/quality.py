"""Quality of the bundled encoder without training, with every fixed quantizer, compared with BM25, on a real corpus.

    python benchmarks/quality.py DIR            # a BEIR folder, here wiki-questions

MiniLM (mean pooling, normalised, 256 tokens, title and text), data.max_passages=30000, seed 0. The runs stay in
multirun/quality, the artifacts in artifacts/; prints MRR@10, R@20, R@100, bytes per passage and milliseconds.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CELLS = {
    "bm25": ["retriever=bm25"],
    "scan": ["retriever=pretrained", "quantizer=flat,sq8,lsh,pq,opq,rabitq"],
    "two_stage": ["retriever=pretrained", "quantizer=lsh,pq,rabitq", "search=two_stage"],
}


def main() -> None:
    """Run the cells (cached ones cost nothing) and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a BEIR folder with test judgements")
    parser.add_argument("--passages", type=int, default=30000, help="data.max_passages")
    options = parser.parse_args()
    data = ["data=beir", f"data.path={options.folder.resolve()}", f"data.max_passages={options.passages}"]
    for name, cells in CELLS.items():
        folder = f"hydra.sweep.dir=multirun/quality/{name}"
        command = [sys.executable, str(ROOT / "run.py"), "-m", *data, *cells, folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print("| retriever | quantizer | search | MRR@10 | R@20 | R@100 | bytes/passage | p50 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for path in sorted(Path("multirun/quality").rglob("result.json")):
        row = json.loads(path.read_text())
        quality = " | ".join(f"{row['metrics'][name]:.4f}" for name in ("MRR@10", "R@20", "R@100"))
        cost = f"{row['bytes_per_passage']:.0f} | {row['latency_ms']['p50']:.2f}"
        print(f"| {row['retriever']} | {row['quantizer']} | {row['search']} | {quality} | {cost} |")


if __name__ == "__main__":
    main()
