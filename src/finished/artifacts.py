"""The artifacts that a finished run's ranking was made from, found by the keys in manifests."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays.npy import open_array
from ..data.corpus import DATA, SUBSET, Corpus
from ..encoders.base import Encoder
from ..encoders.checkpoint import TOWERS, Checkpoint
from ..errors import LabradorError
from ..indexes.search import Search, Searchable
from ..lab.artifacts import BM25, RANKING, RankedFrom, pretrained
from ..lab.encode import CODES, VECTORS
from ..quantizers.base import Codes, FittedQuantizer
from ..store import Artifact
from .runs import FinishedRun


@dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of a run. Each raises LabradorError, naming the command that makes it, when it is missing."""

    run: FinishedRun

    @cached_property
    def corpus(self) -> Corpus:
        """Passages and queries."""
        key = self.run.row.keys.get(SUBSET) or self.run.row.keys.get(DATA, "")
        return Corpus(self._held(key, "the corpus").folder, self.run.part("data").handling)

    @cached_property
    def ranked_from(self) -> RankedFrom:
        """The keys of what a ranking by vectors was made from."""
        return RankedFrom.of(self._ranking.manifest["inputs"])

    @property
    def ties_from(self) -> int:
        """The passage that equal scores went to first."""
        return int(self._ranking.manifest["config"]["ties_from"])

    @property
    def _ranking(self) -> Artifact:
        return self._described(self.run.row.keys.get(RANKING.name, ""), "the ranking")

    @property
    def lexical(self) -> Artifact | None:
        """The BM25 index; None for a run that searches vectors."""
        key = self._ranking.manifest["inputs"].get(BM25.name)
        return None if key is None else self._held(key, "the BM25 index")

    @cached_property
    def encoder(self) -> Encoder:
        """The run's encoder."""
        encoder: Encoder = self.run.part("encoder")
        return encoder

    @cached_property
    def search(self) -> Search:
        """How the run searched, with every `auto` decided; on the CPU, which ranks the same."""
        settings = self.run.settings["search"] | {"device": "cpu"}
        search: Search = self.run.part_of("search", settings)
        return search.resolved(verified=self.verified)

    @property
    def verified(self) -> bool:
        """Whether a second encoder, the verifier, encoded passages and queries for the rerank."""
        return self.ranked_from.verifier is not None

    @property
    def searchable(self) -> Searchable:
        """What the search is built from."""
        codes, vectors = self.codes, self.vectors
        return Searchable(self.quantizer, codes, self.ties_from, vectors, self.verified, self.structure)

    @cached_property
    def quantizer(self) -> FittedQuantizer:
        """The trained quantizer."""
        artifact = self._held(self.ranked_from.quantizer, "the quantizer")
        fitted: FittedQuantizer = self.run.part("quantizer").load(artifact.folder)
        return fitted

    @cached_property
    def codes(self) -> Codes:
        """The codes of all passages, uint8 [N, code_bytes], memory-mapped."""
        artifact = self._held(self.ranked_from.codes, "the codes")
        if (artifact.folder / CODES).exists():
            return open_array(artifact.folder / CODES)
        in_place = self.quantizer.codes_in_place(open_array(artifact.folder / VECTORS))
        if in_place is None:
            raise ValueError(f"{artifact.folder} holds neither codes nor vectors that are codes")
        return in_place

    @cached_property
    def vectors(self) -> NDArray[np.floating] | None:
        """The passages' full vectors [N, D], by which candidates are reranked; None where nothing reads them."""
        key = self.ranked_from.dense
        return None if key is None else open_array(self._held(key, "the passages' vectors").folder / VECTORS)

    @cached_property
    def structure(self) -> Path | None:
        """The folder with what the search needs besides the codes (hash tables); None where it needs nothing."""
        key = self.ranked_from.structure
        return None if key is None else self._held(key, "the hash tables").folder

    def queries(self, *, verifier: bool = False) -> tuple[Checkpoint, NDArray[np.float32]]:
        """The query encoder of the first stage or of the verifier, and the vectors [Q, D] it gave the run's queries."""
        key = self.ranked_from.verifier if verifier else self.ranked_from.queries
        artifact = self._held(key or "", "the queries' vectors")
        return self.checkpoint(artifact.manifest["inputs"]["checkpoint"]), open_array(artifact.folder / VECTORS)

    def passages_checkpoint(self, *, verifier: bool = False) -> Checkpoint:
        """The passage encoder of the codes or of the verifier."""
        key = self.ranked_from.dense if verifier else self.ranked_from.codes
        return self.checkpoint(self._encoded(key or "").manifest["inputs"]["checkpoint"])

    @property
    def precision(self) -> str:
        """The precision of the matrix products behind the codes."""
        return str(self._encoded(self.ranked_from.codes).manifest["config"]["precision"])

    def _encoded(self, key: str) -> Artifact:
        """The artifact that an encoder wrote: the one of that key, or the vectors that its codes were made from."""
        artifact = self._described(key, "what the encoder wrote")
        while "checkpoint" not in artifact.manifest["inputs"]:
            artifact = self._described(artifact.manifest["inputs"]["vectors"], "the passages' vectors")
        return artifact

    def checkpoint(self, key: str) -> Checkpoint:
        """The trained encoder of that key, or the encoder as it comes if that is its key."""
        found = self.run.store.by_key(key)
        if found is not None:
            return Checkpoint(self.encoder, self._held(key, "the trained encoder").folder / TOWERS, key)
        if pretrained(self.encoder) != key:
            raise self._missing("the trained encoder")
        return Checkpoint(self.encoder, None, key)

    def _described(self, key: str, what: str) -> Artifact:
        """An artifact, for its manifest alone."""
        artifact = self.run.store.by_key(key)
        if artifact is None:
            raise self._missing(what)
        return artifact

    def _held(self, key: str, what: str) -> Artifact:
        """An artifact whose files were checked to be whole."""
        artifact = self._described(key, what)
        wrong = artifact.fault()
        if wrong is not None:
            raise self._missing(f"{what} as it was written ({wrong})")
        return artifact

    def _missing(self, what: str) -> LabradorError:
        return LabradorError(
            f"run={self.run.folder}: {what} is not in the store {self.run.store.root}; "
            f"run the cell again, which makes it: {self.run.command}"
        )
