"""How a corpus is searched: by the codes alone, or by the codes and then again by better vectors."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, get_args

from ..errors import LabradorError
from ..quantizers.base import Codes, FittedQuantizer, Quantizer, Vectors
from ..quantizers.settings import at_least
from .base import Index, VectorIndex
from .hash_lookup import LookupIndex, bits_of_keys, check_keys
from .rerank import code_product, inner_product
from .rows import RowReader
from .two_stage import TwoStageIndex

DEVICES = ("cpu", "cuda")
Rerank = Literal["auto", "codes", "dense"]


@dataclass(frozen=True, kw_only=True)
class Search(ABC):
    """A way of searching as a component: its fields are its settings."""

    k: int = 1000  # passages per query
    device: str = field(default="cpu", metadata={"key": False})

    def __post_init__(self) -> None:
        at_least(1, "search.k", self.k)
        if self.device not in DEVICES:
            raise LabradorError(
                f"search.device={self.device}: expected one of {', '.join(DEVICES)}; choose one of them"
            )

    def resolved(self, verified: bool) -> Self:
        """This search with every `auto` decided; `verified`: the retriever has a second, dense encoder for passages.

        A run is named by what this returns, and `needs_vectors` is asked of it.
        """
        return self

    @property
    def needs_vectors(self) -> bool:
        """Whether `build` needs the corpus's full vectors."""
        return False

    @property
    def depth(self) -> int:
        """How many passages per query are taken from the codes."""
        return self.k

    def check(self, quantizer: Quantizer, dimension: int) -> None:
        """Raise LabradorError, before any work, when codes of vectors [N, dimension] cannot be searched this way."""
        if self.device == "cpu":
            return
        if self.device not in quantizer.devices:
            name = quantizer.option
            raise LabradorError(
                f"search.device={self.device} with quantizer {name}: expected flat, lsh or hash, faiss scans no "
                "other codes on a GPU; set search.device=cpu"
            )
        from .gpu import check_gpu

        check_gpu(self.depth)

    def structure(self) -> dict[str, int] | None:
        """The settings of what `prepare` writes; None: nothing, the codes are searched as they are."""
        return None

    def prepare(self, fitted: FittedQuantizer, codes: Codes, folder: Path) -> None:
        """Write into `folder` what `build` needs besides the codes uint8 [N, code_bytes]."""
        raise NotImplementedError(f"{type(self).__name__} searches the codes as they are")

    @abstractmethod
    def build(
        self,
        fitted: FittedQuantizer,
        codes: Codes,
        vectors: Vectors | None = None,
        prepared: Path | None = None,
        verified: bool = False,
    ) -> Index:
        """The index of N passages: codes uint8 [N, code_bytes]; full vectors [N, D] where `needs_vectors`.

        `prepared` is the folder that `prepare` wrote, where `structure` is not None. verified: `vectors` [N, D'] are
        another encoder's, the verifier's; queries to the index are then [Q, D + D'], its vectors after those of the
        codes' encoder.
        """

    def _scan(self, fitted: FittedQuantizer, codes: Codes) -> Index:
        index = fitted.index(self.device)
        index.add(codes)
        return index


@dataclass(frozen=True, kw_only=True)
class Scan(Search):
    """Ranks all passages by their codes."""

    def build(
        self,
        fitted: FittedQuantizer,
        codes: Codes,
        vectors: Vectors | None = None,
        prepared: Path | None = None,
        verified: bool = False,
    ) -> Index:
        """The index of the codes; `vectors` are not looked at."""
        return self._scan(fitted, codes)


@dataclass(frozen=True, kw_only=True)
class TwoStage(Search):
    """Takes candidates by the codes and ranks them by the continuous query's inner product.

    rerank=codes: with the decoded codes (BPR), nothing but codes is kept. rerank=dense: with the full vectors, of
    which the candidates' rows are read from disk (BiDR's post verification). rerank=auto: dense where the retriever
    has an encoder of its own for it, the verifier, else codes. Rankings have at most `candidates`.
    """

    candidates: int = 1000  # per query
    rerank: Rerank = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, "search.candidates", self.candidates)
        if self.rerank not in get_args(Rerank):
            raise LabradorError(
                f"search.rerank={self.rerank}: expected one of {', '.join(get_args(Rerank))}; choose one of them"
            )

    def resolved(self, verified: bool) -> Self:
        """This search with rerank=auto decided: dense where the retriever has a verifier, else codes."""
        if self.rerank != "auto":
            return self
        return replace(self, rerank="dense" if verified else "codes")

    @property
    def depth(self) -> int:
        """How many candidates per query are taken from the codes."""
        return self.candidates

    @property
    def needs_vectors(self) -> bool:
        """The dense rerank reads the full vectors; auto must be `resolved` before it is known."""
        return self.rerank == "dense"

    def build(
        self,
        fitted: FittedQuantizer,
        codes: Codes,
        vectors: Vectors | None = None,
        prepared: Path | None = None,
        verified: bool = False,
    ) -> TwoStageIndex:
        """The index of the codes and a reranker; auto is resolved by `verified`.

        Raises ValueError without the vectors it needs, or with vectors that no query has the dimension of.
        """
        first = self._scan(fitted, codes)
        if not isinstance(first, VectorIndex):
            raise TypeError(f"candidates come from a {type(first).__name__}, expected a VectorIndex")
        return self._reranked(first, fitted, codes, vectors, verified)

    def _reranked(
        self, first: VectorIndex, fitted: FittedQuantizer, codes: Codes, vectors: Vectors | None, verified: bool
    ) -> TwoStageIndex:
        if self.resolved(verified).rerank == "codes":
            return TwoStageIndex(first, code_product(fitted, codes), self.candidates)
        if vectors is None or len(vectors) != len(codes):
            raise ValueError(f"rerank=dense needs the {len(codes)} passages' full vectors")
        dimension = vectors.shape[1]
        if not verified and dimension != fitted.dimension:
            raise ValueError(f"vectors of {dimension} dimensions for queries of {fitted.dimension}")
        score = inner_product(RowReader(vectors))
        return TwoStageIndex(first, score, self.candidates, dimension if verified else None)


@dataclass(frozen=True, kw_only=True)
class HashLookup(TwoStage):
    """Takes candidates of binary codes from hash tables instead of a scan, and ranks them as `TwoStage` does.

    A query's candidates are the nearest of the passages that have, in one of the `tables`, a key that differs from the
    query's in at most `flips` bits (`LookupIndex` says what is certainly found). More flips: more of the candidates of
    a scan, and slower.
    """

    tables: int = 4  # each takes about 20 bytes per passage in memory
    key_bits: int | None = None  # of a table's key; None: so many that a key has about 18 to 36 passages
    flips: int = 3  # of a key's bits; raised for queries that find too few

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.device != "cpu":
            raise LabradorError(
                f"search.device={self.device}: expected cpu, faiss looks up hash tables there; set search.device=cpu"
            )
        at_least(1, "search.tables", self.tables)
        if self.key_bits is not None:
            at_least(1, "search.key_bits", self.key_bits)
        at_least(0, "search.flips", self.flips)

    def check(self, quantizer: Quantizer, dimension: int) -> None:
        """Raise LabradorError, before any work, unless `quantizer` gives binary codes that have the keys' bits."""
        if not quantizer.binary:
            raise LabradorError(
                f"search=hash_lookup with quantizer {quantizer.option}: hash_lookup needs binary "
                "codes, expected quantizer=hash or lsh; set one of them, or search=two_stage"
            )
        check_keys(self.tables, self.key_bits, getattr(quantizer, "bits", None) or dimension)

    def structure(self) -> dict[str, int]:
        """The settings of the hash tables."""
        return {"tables": self.tables} | ({} if self.key_bits is None else {"key_bits": self.key_bits})

    def prepare(self, fitted: FittedQuantizer, codes: Codes, folder: Path) -> None:
        """Write the hash tables of the codes uint8 [N, code_bytes] into `folder`."""
        key_bits = self.key_bits or bits_of_keys(len(codes), self.tables, 8 * fitted.code_bytes)
        index = LookupIndex.empty(fitted, self.tables, key_bits)
        index.add(codes)
        index.save(folder)

    def build(
        self,
        fitted: FittedQuantizer,
        codes: Codes,
        vectors: Vectors | None = None,
        prepared: Path | None = None,
        verified: bool = False,
    ) -> TwoStageIndex:
        """The index of the codes and of the tables that `prepare` wrote for them, and a reranker.

        Raises ValueError without these tables, without the vectors it needs, or with vectors of another dimension
        than the queries'.
        """
        if prepared is None:
            raise ValueError("hash_lookup needs the folder that its `prepare` wrote")
        first = LookupIndex.load(fitted, codes, prepared, self.flips)
        return self._reranked(first, fitted, codes, vectors, verified)
