"""How many pairs a teacher scores per processor second, compared with sentence-transformers' CrossEncoder.predict.

    python benchmarks/teacher.py ../shared/data/wiki-questions --pairs 2000

The same model, the bundled MiniLM with a new head, and the same pairs: questions of the corpus, each with passages of
it. Labrador reads tokens from disk, as in a labelling, where each text is tokenized once; the peer tokenizes every
pair. Passages are cut to the tokens that a teacher reads before either sees them. The programs take turns; medians over
the rounds. "whole last layer": without FirstTokenAttention. The scores are compared, too.
"""

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from labrador.data.beir import Beir
from labrador.data.prepare import prepare
from labrador.encoders.minilm import BundledMiniLM
from labrador.encoders.tokens import write_tokens
from labrador.labels.cross_encoder import CrossEncoder
from labrador.labels.scoring import Pairs, write_scores
from labrador.store import Store

DEPTH = 50


def texts_of(corpus_folder: str, store: Path, count: int) -> tuple[list[str], list[str]]:
    """`count` questions and enough passages of a corpus in BEIR layout, titles left out."""
    corpus = prepare(Beir(path=corpus_folder, max_passages=20_000), Store(store))
    split = corpus.splits[0]
    rng = np.random.default_rng(0)
    rows = rng.choice(len(corpus.passages), count * DEPTH, replace=False)
    return corpus.queries(split).texts[:count], [text for _, text in corpus.passages.read(rows)]


def cut(texts: list[str], tokenizer: Any, length: int) -> list[str]:
    """The part of each text that `length` tokens, special ones among them, hold."""
    ends = tokenizer(texts, truncation=True, max_length=length, return_offsets_mapping=True)["offset_mapping"]
    return [text[: max(end for _, end in offsets)] for text, offsets in zip(texts, ends, strict=True)]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a folder in BEIR layout")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--length", type=int, default=128, help="tokens of a passage")
    options = parser.parse_args()
    import sentence_transformers

    encoder = BundledMiniLM(max_passage_length=options.length)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        tokenizer = encoder.tokenizer()
        ours = CrossEncoder(encoder.load_classifier(ready=False), tokenizer)
        ours.save(folder / "model")
        questions, passages = texts_of(options.corpus, folder / "store", options.pairs // DEPTH)
        passages = cut(passages, tokenizer, options.length)
        tokens = [
            write_tokens([texts], len(texts), tokenizer, length, folder / name)
            for texts, length, name in ((questions, 64, "questions"), (passages, options.length, "passages"))
        ]
        ids = np.arange(len(passages)).reshape(len(questions), DEPTH)
        rows = np.arange(len(questions))
        pairs = [(questions[row // DEPTH], text) for row, text in enumerate(passages)]
        peer = sentence_transformers.CrossEncoder(str(folder / "model"), device="cpu", max_length=options.length + 64)

        whole = copy.deepcopy(ours)
        whole.model = encoder.load_classifier(ready=False)
        whole.model.load_state_dict(ours.model.state_dict())

        def labrador(teacher: CrossEncoder, precision: str) -> Callable[[], NDArray[np.float32]]:
            def score() -> NDArray[np.float32]:
                out = folder / "scores.npy"
                write_scores(teacher, Pairs(*tokens, rows, ids), out, precision, torch.device("cpu"))  # type: ignore[arg-type]
                return np.load(out)

            return score

        kinds: dict[str, Callable[[], NDArray[np.float32]]] = {
            "CrossEncoder.predict, float32": lambda: np.asarray(peer.predict(pairs)),
            "labrador, whole last layer, float32": labrador(whole, "float32"),
            "labrador, float32": labrador(ours, "float32"),
            "labrador, whole last layer, bfloat16": labrador(whole, "bfloat16"),
            "labrador, bfloat16": labrador(ours, "bfloat16"),
        }
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        scores = {}
        for turn in range(options.rounds + 1):  # the first warms up
            for name, score in kinds.items():
                start = time.process_time()
                scores[name] = score()
                if turn:
                    taken[name].append(time.process_time() - start)
    first, *_ = kinds
    print("| scoring | pairs/processor s | ratio | largest difference of scores |\n|---|---|---|---|")
    for name, seconds in taken.items():
        rate = len(pairs) / statistics.median(seconds)
        ratio = statistics.median(a / b for a, b in zip(taken[first], seconds, strict=True))
        print(f"| {name} | {rate:.0f} | {ratio:.2f} | {np.abs(scores[name] - scores[first]).max():.5f} |")


if __name__ == "__main__":
    main()
