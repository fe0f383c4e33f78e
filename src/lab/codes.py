"""Steps on codes: fitting quantizers, writing codes, and the structures that search them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import indexes
from ..arrays.npy import open_array, write_stream
from ..encoders.checkpoint import Checkpoint
from ..indexes.base import VectorIndex
from ..indexes.search import Search
from ..machine import processes
from ..metrics.cost import search_batches
from ..quantizers.base import FittedQuantizer, JudgedQueries, Quantizer, TrainingVectors, Vectors
from ..quantizers.flat import FlatCodec
from ..quantizers.supervised import SupervisedQuantizer
from ..store import Artifact, describe
from ..training.frozen import FrozenPassages
from .steps import Fitted, Frozen, Stored, Trained
from .texts import Candidates, read_lists, without, write_lists
from .vectors import QUERIES_TOGETHER, VECTORS, Encoding, VectorSteps

CODES = "codes.npy"


class CodeSteps(VectorSteps):
    """Quantizers, codes, search structures."""

    def fit_quantizer(self, quantizer: Quantizer, checkpoint: Checkpoint) -> Fitted:
        """Learn the quantizer on the checkpoint's frozen vectors: of the passages and, where it is supervised, of the
        judged train queries with hard negatives among their best passages; from the quantizer that it starts from.
        """
        passages = self.passages(checkpoint)
        inputs = {"vectors": passages.key}
        pairs = start = None
        if isinstance(quantizer, SupervisedQuantizer):
            pairs, more = self._pairs(quantizer, checkpoint)
            inputs |= more
            first = quantizer.start(checkpoint.encoder.dimension)
            if first is not None:
                start = self.fit_quantizer(first, checkpoint)
                inputs["start"] = start.artifact.key

        def write(folder: Path) -> None:
            x = TrainingVectors(passages.array, pairs, start.quantizer.state() if start else {})
            quantizer.fit(x, self.seed).save(folder)

        seed = self.seed if quantizer.draws(len(passages.array)) else None
        config: dict[str, Any] = {"quantizer": describe(quantizer), "seed": seed}
        if pairs is not None:
            config["positive"] = pairs.positive
        about = f"{type(quantizer).__name__}, trained"
        artifact = self.make("quantize", "quantizer", config, inputs, write, about=about)
        return Fitted(quantizer, quantizer.load(artifact.folder), artifact)

    def _pairs(self, quantizer: SupervisedQuantizer, checkpoint: Checkpoint) -> tuple[JudgedQueries, dict[str, str]]:
        """What a supervised quantizer learns from, and the keys of that."""
        queries = self.queries(checkpoint, "train")
        candidates = self.search(checkpoint, "train", quantizer.depth, limit=quantizer.training_queries)
        rows = self.sample_queries("train", quantizer.training_queries)
        positives = self.corpus.positives("train").take(rows)
        spared = self.corpus.spared("train").take(rows)
        keys = {"queries": queries.key, "candidates": candidates.key, **self.judged("train")}
        return JudgedQueries(
            queries.array[rows], positives, candidates.lists.take(rows), self.corpus.positive, spared
        ), keys

    def learned(self, quantizer: Quantizer, checkpoint: Checkpoint) -> Fitted:
        """The quantizer that an objective learned together with the encoder of `checkpoint`."""

        def write(folder: Path) -> None:
            quantizer.learned(checkpoint.objective_state(), checkpoint.encoder.dimension).save(folder)

        config = {"learned": type(quantizer).__name__, "version": quantizer.version}
        about = f"{type(quantizer).__name__}, learned with the encoder"
        artifact = self.make("quantize", "quantizer", config, {"checkpoint": checkpoint.key}, write, about=about)
        return Fitted(quantizer, quantizer.load(artifact.folder), artifact, joint=True)

    def codes(self, fitted: Fitted, checkpoint: Checkpoint) -> Stored:
        """The codes of all passages, uint8 [N, code_bytes]; for flat, the stored vectors themselves.

        Codes of a quantizer that was learned with the encoder are written while encoding: vectors are nowhere stored.
        """
        if fitted.joint:
            return self._codes_from_texts(fitted, checkpoint)
        passages = self.passages(checkpoint)
        in_place = fitted.quantizer.codes_in_place(passages.array)
        if in_place is not None:
            return Stored(in_place, passages.key)
        inputs = {"quantizer": fitted.artifact.key, "vectors": passages.key}
        about = f"{len(passages.array):,} passages"

        def write(folder: Path) -> None:
            write_codes(fitted.quantizer, passages.array, folder / CODES)

        artifact = self.make("quantize", "codes", {}, inputs, write, about=about)
        return Stored(open_array(artifact.folder / CODES), artifact.key)

    def _codes_from_texts(self, fitted: Fitted, checkpoint: Checkpoint) -> Stored:
        encoding = self.encoding(checkpoint)

        def write(folder: Path) -> float:
            stored = self._stored(encoding, folder)
            if stored is None:
                encoding.write(folder / CODES, fitted.quantizer.encode)
                return 0.0
            if processes.is_main():
                write_codes(fitted.quantizer, open_array(stored.folder / VECTORS), folder / CODES)
            return stored.seconds

        inputs = {"quantizer": fitted.artifact.key, **encoding.inputs}
        artifact = self.make(
            "encode",
            "codes",
            {"precision": encoding.precision},
            inputs,
            write,
            device=self.device,
            resumable=True,
            collective=True,
            about=f"{encoding.about}, encoded",
        )
        return Stored(open_array(artifact.folder / CODES), artifact.key)

    def _stored(self, encoding: Encoding, folder: Path) -> Artifact | None:
        """These vectors, where another run has stored them as they were computed and `folder` holds no codes of an
        encoding that was killed; else None. The main process decides for all.
        """
        from ..arrays.shards import begun

        usable = processes.is_main() and encoding.dtype == "float32" and not begun(folder / CODES)
        found = self.find("vectors", encoding.config, encoding.inputs) if usable else None
        if not processes.broadcast("stored" if found else ""):
            return None
        return found or self.find("vectors", encoding.config, encoding.inputs)

    def search(
        self,
        checkpoint: Checkpoint,
        split: str,
        k: int,
        *,
        quantizer: Fitted | None = None,
        limit: int | None = None,
    ) -> Candidates:
        """The top `k` passages of each judged query of `split`, those that are never its negatives removed: by a scan
        of the `quantizer`'s codes or, without one, exactly.

        With a `limit`, of so many queries, as `sample_queries` draws them; the others' lists are empty.
        """
        passages = self.passages(checkpoint) if quantizer is None else self.codes(quantizer, checkpoint)
        queries = self.queries(checkpoint, split)
        spared = self.corpus.spared(split)
        rows = self.sample_queries(split, limit)

        def write(folder: Path) -> None:
            index = scan_of(passages.array, quantizer)
            ids = np.empty((0, k), dtype=np.int64)
            if len(rows):
                asked = self.asked(np.asarray(queries.array[rows]), split, rows)
                ids = search_batches(index.search, asked, k, QUERIES_TOGETHER).ids
            write_lists(folder, without(ids, spared.take(rows)).spread(rows, len(spared)))

        inputs = {"passages": passages.key, "queries": queries.key, **self.judged(split), **self.left_out(split)}
        if quantizer is not None:
            inputs["quantizer"] = quantizer.artifact.key
        drawn = len(rows) < np.count_nonzero(self.corpus.positives(split).lengths)
        config = {"k": k} | ({"queries": len(rows), "seed": self.seed} if drawn else {})
        about = f"top {k} of {len(rows):,} {split} queries"
        artifact = self.make("train", "candidates", config, inputs, write, about=about)
        return Candidates(read_lists(artifact.folder), artifact.key)

    def frozen(self, sparse: Trained, dense: Checkpoint) -> Frozen:
        """Every passage as what its code stands for, and beside it its dense vector: [N, 2 D], read row by row."""
        fitted = sparse.quantizer
        if fitted is None:
            raise ValueError("frozen passages need the quantizer that was trained with their encoder")
        codes, vectors = self.codes(fitted, sparse.search), self.passages(dense)

        def decoded(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            return fitted.quantizer.decode(np.ascontiguousarray(codes.array[rows]))

        keys = {"codes": codes.key, "quantizer": fitted.artifact.key, "dense": vectors.key}
        return Frozen(FrozenPassages((decoded, lambda rows: vectors.array[rows])), keys)

    def structure(self, search: Search, fitted: Fitted, codes: Stored) -> Artifact | None:
        """What the search needs besides the codes (a hash table); None where it needs nothing."""
        settings = search.structure()
        if settings is None:
            return None

        def write(folder: Path) -> None:
            search.prepare(fitted.quantizer, codes.array, folder)

        inputs = {"codes": codes.key, "quantizer": fitted.artifact.key}
        about = f"of {len(codes.array):,} codes"
        return self.make("quantize", "structure", settings, inputs, write, about=about)


def scan_of(stored: NDArray[Any], quantizer: Fitted | None = None) -> VectorIndex:
    """The index of stored codes or, without a quantizer, of stored vectors."""
    fitted = FlatCodec(stored.shape[1], stored.dtype.name) if quantizer is None else quantizer.quantizer
    index = indexes.of(fitted)
    index.add(stored.view(np.uint8))
    return index


def write_codes(fitted: FittedQuantizer, vectors: Vectors, out: Path) -> None:
    """Write the codes of vectors [N, D] to the .npy file `out`, block by block."""
    write_stream(out, fitted.encode_blocks(vectors), np.uint8, (fitted.code_bytes,))
