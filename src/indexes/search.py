"""How a corpus is searched, as a component: what every way of searching has."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from ..quantizers.base import Codes, FittedQuantizer, Quantizer, Vectors
from ..settings import component, setting
from .base import Index, QueryVectors
from .gpu import check_gpu

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Searchable:
    """N passages as a search is built from them.

    codes uint8 [N, code_bytes] are those of `fitted`; equal scores go to the first passage from `ties_from` on.
    vectors [N, D'], where the search `needs_vectors`, are the passages' full vectors; `verified`: they are a second
    encoder's, the verifier's, which encodes the queries for the rerank, too. prepared: the folder that the search's
    `prepare` wrote.
    """

    fitted: FittedQuantizer
    codes: Codes
    ties_from: int = 0
    vectors: Vectors | None = None
    verified: bool = False
    prepared: Path | None = None


@component
class Search(ABC):
    """A way of searching as a component: its fields are its settings."""

    k: int = setting(1000, "passages per query", ge=1)
    device: Device = setting("cpu", "where codes are scanned; cuda: faiss's GPU index (flat, lsh, hash)", key=False)

    def resolved(self, verified: bool) -> Self:
        """This search with every `auto` decided; `verified`: the retriever has a second, dense encoder for passages.

        A run is named by what this returns, and `needs_vectors` is asked of it.
        """
        return self

    @property
    def needs_vectors(self) -> bool:
        """Whether `build` needs the passages' full vectors."""
        return False

    @property
    def depth(self) -> int:
        """How many passages per query are taken from the codes."""
        return self.k

    def check(self, quantizer: Quantizer, dimension: int) -> None:
        """Raise SettingError, before any work, when codes of vectors [N, dimension] cannot be searched this way."""
        if self.device != "cpu":
            check_gpu(quantizer, self.depth)

    def structure(self) -> dict[str, int] | None:
        """The settings of what `prepare` writes; None: nothing, the codes are searched as they are."""
        return None

    def prepare(self, fitted: FittedQuantizer, codes: Codes, folder: Path) -> None:
        """Write into `folder` what `build` needs in addition to the codes uint8 [N, code_bytes]."""
        raise NotImplementedError(f"{type(self).__name__} searches the codes as they are")

    @abstractmethod
    def build(self, passages: Searchable) -> Index[QueryVectors]:
        """The index of the passages."""
