"""The whole export: models, index, ids and card, all or nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import Corpus, Passages
from ..encoders.checkpoint import Checkpoint
from ..encoders.tokens import Form, Text, pad, tokenize
from ..encoders.towers import Side
from ..errors import LabradorError, is_disk_full
from ..finished.artifacts import RunArtifacts
from ..finished.runs import FinishedRun
from ..machine.files import atomically
from .card import card
from .index import write_faiss
from .models import Model, check_package, joined, joiner, models, quietly, write_model

INDEX, PIDS, VERIFIER = "index.faiss", "pids.txt", "verifier"
CHECKED = 4  # texts of each side whose vectors are compared with the run's
TOLERANCE = 1e-5  # relative to the longest vector: rounding alone
ROWS = 65_536  # passage ids read at once


def export(run: FinishedRun, folder: Path) -> None:
    """Write the models, index.faiss, pids.txt and README.md of `run` into `folder`.

    Raises LabradorError, and leaves nothing, for a run without an encoder, a folder that holds something already or
    cannot be written, a missing artifact or package, and models whose vectors are not the run's. Removes what a killed
    export to `folder` has left.
    """
    check_package()
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LabradorError(f"{folder}: exists already; name a new or empty folder")
    if not folder.parent.is_dir():
        raise LabradorError(f"{folder}: the folder above it does not exist; make it, or name another folder")
    artifacts = RunArtifacts(run)
    if artifacts.lexical is not None:
        raise LabradorError(
            f"run={run.folder}: {run.row.retriever} has no encoder and no vectors; name a run with a dense retriever"
        )
    if artifacts.encoder.segments:
        raise LabradorError(
            f"run={run.folder}: encoder.segments=true gives a passage's text another token type than its title, which "
            "sentence-transformers cannot do; name a run with encoder.segments=false"
        )
    try:
        with atomically(folder) as unfinished:
            unfinished.mkdir()
            _fill(artifacts, unfinished)
    except Exception as error:
        if not isinstance(error, OSError) and not is_disk_full(error):
            raise
        raise LabradorError(f"{folder}: cannot be written ({error}); free space or name another folder") from error


def _fill(artifacts: RunArtifacts, folder: Path) -> None:
    passages = artifacts.passages_checkpoint()
    queries, _ = artifacts.queries()
    written = models("", queries, passages)
    if artifacts.verified:
        written += models(VERIFIER, artifacts.queries(verifier=True)[0], artifacts.passages_checkpoint(verifier=True))
    between = joiner(queries.encoder.tokenizer())
    for model in written:
        write_model(model, folder)
        _check(model, folder, artifacts.corpus, artifacts.run.split, between)
    kind = write_faiss(artifacts.quantizer, artifacts.codes, folder / INDEX)
    write_pids(artifacts.corpus.passages, folder / PIDS)
    text = card(artifacts.run, artifacts, written, kind, between)
    (folder / "README.md").write_text(text, encoding="utf-8")


def write_pids(passages: Passages, path: Path) -> None:
    """Write the ids of all passages, one per line, in the order of the index."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(passages), ROWS):
            rows = np.arange(start, min(start + ROWS, len(passages)))
            file.writelines(f"{pid}\n" for pid in passages.pids(rows))


def _check(model: Model, folder: Path, corpus: Corpus, split: str, between: str) -> None:
    """Raise LabradorError unless the written model encodes texts of the run as Labrador does."""
    from sentence_transformers import SentenceTransformer

    with quietly():
        loaded = SentenceTransformer(str(folder / model.folder), device="cpu", local_files_only=True)
    rows = np.arange(min(CHECKED, len(corpus.passages)))
    for side in model.sides:
        encode: Any = loaded.encode_query if side == "query" else loaded.encode_document
        texts: list[Text] = [
            *(corpus.queries(split).texts[:CHECKED] if side == "query" else corpus.passages.read(rows))
        ]
        given = [text if isinstance(text, str) else joined(*text, between) for text in texts]
        expected = _encoded(model.checkpoint, side, texts)
        found = np.asarray(encode(given, show_progress_bar=False))
        longest = float(np.linalg.norm(expected, axis=1).max())
        difference = float(np.abs(found - expected).max()) / longest if found.shape == expected.shape else np.inf
        if difference > TOLERANCE:
            raise LabradorError(
                f"sentence-transformers gives a {side} a vector that differs by {difference:.1e} from Labrador's, "
                f"expected at most {TOLERANCE:.0e}; this run's model cannot be exported"
            )


def _encoded(checkpoint: Checkpoint, side: Side, texts: list[Text]) -> NDArray[np.float32]:
    """The vectors [T, D] of texts as Labrador encodes them, in float32."""
    import torch

    encoder, towers = checkpoint.encoder, checkpoint.towers()
    length, segments = getattr(encoder, f"max_{side}_length"), towers.segments(side)
    ids = [
        np.asarray(row, np.uint32)
        for row in tokenize(encoder.tokenizer(), texts, length, Form(encoder.prefix(side), segments))
    ]
    with torch.inference_mode():
        vectors: NDArray[np.float32] = towers.encode(side, *pad(ids, towers.pad_id, segments)).numpy()
    return vectors
