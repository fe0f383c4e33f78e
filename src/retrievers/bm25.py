"""BM25 (Robertson and Zaragoza, 2009): the lexical baseline of every table."""

from ..data.corpus import Corpus
from ..errors import LabradorError
from ..indexes.scan import Scan
from ..indexes.search import Search
from ..lab import Lab, Ranking
from ..quantizers.base import Quantizer
from ..quantizers.flat import Flat
from ..settings import component
from .base import Retriever


@component
class BM25(Retriever):
    """Ranks by the terms that query and passage share; it has no vectors to quantize."""

    learns = False

    def unused(self, search: Search) -> tuple[str, ...]:
        return "quantizer", "sampler", "search", "encoder", "train"

    def check(self, quantizer: Quantizer, search: Search) -> None:
        if not isinstance(quantizer, Flat):
            raise LabradorError(
                f"retriever=bm25 quantizer={quantizer.option}: bm25 has no vectors to quantize; "
                "leave quantizer=flat (it is ignored) or choose a dense retriever"
            )
        if not isinstance(search, Scan) or search.device != "cpu":
            raise LabradorError(
                "retriever=bm25: expected search=scan and search.device=cpu; it searches its own index of terms"
            )

    def check_corpus(self, corpus: Corpus, quantizer: Quantizer) -> None:
        """Any corpus will do."""

    def rank(self, lab: Lab, quantizer: Quantizer, search: Search, split: str) -> Ranking:
        return lab.rank_bm25(search.k, split)
